"""Who may have an upload decoded now: two at a time in a process, and few enough wait that pages are answered."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from jobs.errors import Refused
from jobs.messages import TOO_MANY_AT_ONCE, UPLOADS_BUSY

AT_ONCE = 2
"""A child may take a gigabyte, and each keeps a processor busy."""
MOST_OF_ONE = 3
"""As many as a page sends side by side."""
PATIENCE_SECONDS = 10.0
SOON_SECONDS = 2
"""After which one may ask again who was not let in: about as long as a large photo takes."""


class Turns:
    """The uploads that are in the making. Each holds a thread, so there are few; whoever comes then is told to come back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._decoding = threading.BoundedSemaphore(AT_ONCE)
        self._present: Counter[str] = Counter()

    @contextmanager
    def turn(self, sender: str, most: int) -> Iterator[None]:
        """For one upload of somebody, while at most so many are here; raises `Refused`."""
        self._enter(sender, most)
        try:
            if not self._decoding.acquire(timeout=PATIENCE_SECONDS):
                raise _busy()
            try:
                yield
            finally:
                self._decoding.release()
        finally:
            self._leave(sender)

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
