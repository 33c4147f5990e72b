"""Who may have an upload decoded now: two at a time in a process, and few enough wait that pages are answered."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from jobs.errors import Refused
from jobs.messages import TOO_MANY_AT_ONCE, UPLOADS_BUSY

AT_ONCE = 2
"""A child may take a gigabyte, and each keeps a processor busy."""
MOST_ASIDE = 16
"""In all, where those that wait for their turn hold no thread."""
MOST_OF_ONE = 3
"""As many as a page sends side by side."""
PATIENCE_SECONDS = 10.0
SOON_SECONDS = 2
"""After which one may ask again who was not let in: about as long as a large photo takes."""


Aside = Callable[[], AbstractContextManager[bool]]
"""Within which a thread waits, so that its server may have another in its place; False where it may not wait."""


def nothing() -> AbstractContextManager[bool]:
    """For a server that has no other."""
    return nullcontext(True)


class Turns:
    """The uploads that are in the making. Each holds a thread, or a file, so there are few; whoever comes then is told to come back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._decoding = threading.BoundedSemaphore(AT_ONCE)
        self._present: Counter[str] = Counter()

    @contextmanager
    def turn(self, sender: str, most: int, aside: Aside = nothing) -> Iterator[None]:
        """For one upload of somebody, while at most so many are here; it waits within `aside`. Raises `Refused`."""
        self._enter(sender, most)
        try:
            if not self._may_decode(aside):
                raise _busy()
            try:
                yield
            finally:
                self._decoding.release()
        finally:
            self._leave(sender)

    def _may_decode(self, aside: Aside) -> bool:
        if self._decoding.acquire(blocking=False):
            return True
        with aside() as may_wait:
            return may_wait and self._decoding.acquire(timeout=PATIENCE_SECONDS)

    def _enter(self, sender: str, most: int) -> None:
        with self._lock:
            if self._present[sender] >= MOST_OF_ONE:
                raise Refused(TOO_MANY_AT_ONCE(count=MOST_OF_ONE), status=429, retry_after=SOON_SECONDS)
            if self._present.total() >= most:
                raise _busy()
            self._present[sender] += 1

    def _leave(self, sender: str) -> None:
        with self._lock:
            self._present[sender] -= 1
            self._present += Counter()  # forgets whoever has none


def _busy() -> Refused:
    return Refused(UPLOADS_BUSY, status=503, retry_after=SOON_SECONDS)
