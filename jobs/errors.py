"""A refusal: what a person asked for cannot be done, and one sentence says what to do about it."""

import errno

from jobs.messages import STORAGE_AWAY, told
from ml.core.text import Message


class Refused(Exception):
    """`code` is the kind of refusal, for programs, `status` for HTTP; after `retry_after` seconds it may do.

    `message` is what a person is told; `str(refusal)` says it in the reader's language.
    """

    def __init__(
        self, message: Message, *, code: str = "", status: int = 422, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or message.code
        self.status = status
        self.retry_after = retry_after

    def __str__(self) -> str:
        return told(self.message)


class StorageAway(OSError):
    """The bucket that keeps photos and results does not answer, or does not let us in."""

    def __init__(self, reason: object) -> None:
        super().__init__(errno.EIO, str(reason))


def storage_away() -> Refused:
    """What a person is told then."""
    return Refused(STORAGE_AWAY, status=503, retry_after=60)
