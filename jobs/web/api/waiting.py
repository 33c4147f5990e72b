"""`Prefer: wait=N` (RFC 7240): an answer that comes when something has ended, so that a program need not ask again and again."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from jobs.access import identity
from jobs.intake.turns import nothing
from jobs.queue import live
from jobs.web.parking import aside
from ml.core.text import capped

MOST_SECONDS = 60
MOST = 16
"""In a process. Each holds a thread, in whose place the web server has another one meanwhile."""
MOST_OF_ONE = 8
COME_BACK_SECONDS = 1

_lock = threading.Lock()
_present: Counter[str] = Counter()


def wait_for(
    request: HttpRequest,
    response: HttpResponse,
    prefer: str | None,
    name: UUID,
    has_ended: Callable[[], bool],
) -> bool:
    """Whether it was waited for, as the header asks, until it had ended or its seconds were over.

    Where too many wait already, the answer goes at once and says when to come back. What tells of the end is
    `live`, by `name`; the database is asked once, by `has_ended`.
    """
    seconds = preferred_seconds(prefer or "")
    if not seconds:
        return False
    with _place(_sender(request)) as free, (aside(request) or nothing)() as may_wait:
        if not (free and may_wait):
            response["Retry-After"] = str(COME_BACK_SECONDS)
            return False
        live.wait_for_end(name, seconds, has_ended)
    response["Preference-Applied"] = f"wait={seconds}"
    return True


def preferred_seconds(prefer: str) -> int:
    """How long to wait, by a header `Prefer`; 0 where it does not say. What it says first counts, and what is unknown does not."""
    for preference in prefer.split(","):
        name, _equals, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "wait":
            return capped(value.strip().strip('"'), MOST_SECONDS) or 0
    return 0


def _sender(request: HttpRequest) -> str:
    owner = identity.owner_of(request)
    return str(owner.pk) if owner else ""


@contextmanager
def _place(sender: str) -> Iterator[bool]:
    """Whether there is a place for one more who waits; it is taken meanwhile."""
    with _lock:
        free = _present.total() < MOST and _present[sender] < MOST_OF_ONE
        _present[sender] += free
    try:
        yield free
    finally:
        with _lock:
            _present[sender] -= free
            if not _present[sender]:
                del _present[sender]
