"""A refusal: what a person asked for cannot be done, and one sentence says what to do about it."""

import errno

from django.utils.translation import gettext as _


class Refused(Exception):
    """`code` is for programs, `status` for HTTP, `str(refusal)` for people; after `retry_after` seconds it may do."""

    def __init__(
        self, code: str, sentence: str, *, status: int = 422, retry_after: int | None = None
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.status = status
        self.retry_after = retry_after


class StorageAway(OSError):
    """The bucket that keeps photos and results does not answer, or does not let us in."""

    def __init__(self, reason: object) -> None:
        super().__init__(errno.EIO, str(reason))


def storage_away() -> Refused:
    """What a person is told then."""
    return Refused(
        "storage_away",
        _("The pictures of this site are out of reach for the moment. Try again in a minute."),
        status=503,
        retry_after=60,
    )
