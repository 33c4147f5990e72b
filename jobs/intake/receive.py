"""Bytes from a stranger become an `Asset`, or a refusal in one sentence that leaves no row and no file behind.

Nothing of an upload is kept but its pixels, decoded in full, turned upright, converted to sRGB, written into a new file
under a random name; and beside them, in the row, the facts that `ml.core.about` understands. A JPEG keeps its quantisation tables where nothing had to be changed; other
lossy files become JPEG, with transparency lossless WebP (a third smaller than PNG and no slower); what was
stored without loss stays so, as PNG. Animations become lossless WebP (half the size of APNG and no slower).
"""

import errno
import hashlib
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.db import OperationalError

from jobs.errors import Refused, StorageAway, storage_away
from jobs.intake import limits
from jobs.intake.developed import Developed
from jobs.intake.sandbox import developed
from jobs.intake.sniffing import check_size, clean_name, sniff
from jobs.intake.turns import AT_ONCE, MOST_ASIDE, Aside, Turns, nothing
from jobs.messages import UPLOAD_NOT_KEPT
from jobs.models import Asset, Owner

logger = logging.getLogger(__name__)

_turns = Turns()


def receive(owner: Owner | None, file: "UploadedFile[Any]", aside: Aside | None = None) -> Asset:
    """The upload as a stored photo of `owner`, or of the site itself. More of them may wait for their turn `aside`.

    Raises `Refused`, and then there is neither a row nor a file.
    """
    check_size(file.size or 0, settings.LATENT.max_upload_megabytes)
    if owner:
        limits.check_upload(owner, file.size or 0)
    sniff(file, settings.LATENT.formats_taken)
    with (
        _refusing_what_cannot_be_kept(),
        _turns.turn(_sender(owner), MOST_ASIDE if aside else _most_at_once(), aside or nothing),
        developed(file) as made,
    ):
        return _store(owner, made, clean_name(file.name or ""))


def _sender(owner: Owner | None) -> str:
    """Whose uploads count together, as for the other limits."""
    if owner is None:
        return ""
    return owner.address if owner.user_id is None and owner.address else str(owner.pk)


def _most_at_once() -> int:
    """Half of the threads, so that the others answer for pages."""
    return max(AT_ONCE, settings.LATENT.web_threads // 2)


class UploadLimit(FileUploadHandler):
    """First of FILE_UPLOAD_HANDLERS: lets nothing beyond the limit reach disk or memory, and keeps counting.

    The file that comes of it is empty but tells its true size, by which `receive` refuses it.
    """

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        return raw_data if start + len(raw_data) <= _most_bytes() else None

    def file_complete(self, file_size: int) -> "UploadedFile[Any] | None":
        if file_size <= _most_bytes():
            return None
        return UploadedFile(io.BytesIO(), self.file_name, self.content_type, file_size)


def _most_bytes() -> int:
    return settings.LATENT.max_upload_megabytes * 1_000_000


def _store(owner: Owner | None, developed: Developed, name: str) -> Asset:
    file = developed.file
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    file.seek(0)
    about = developed.about if owner and owner.keeps_place else developed.about.without_place()
    asset = Asset(
        owner=owner, name=name, kind=developed.kind, format=developed.format, width=developed.width,
        height=developed.height, frames=developed.frames, seconds=developed.seconds, color=developed.color,
        notes=[note.as_json() for note in developed.notes], about=about.known(), bytes=size, sha256=digest,
    )  # fmt: skip
    place = f"photos/{asset.id.hex[:2]}/{asset.id}.{developed.format}"
    try:
        asset.file.name = default_storage.save(place, File(file))
        asset.save(force_insert=True)
    except BaseException:
        with suppress(OSError):
            default_storage.delete(place)
        raise
    return asset


@contextmanager
def _refusing_what_cannot_be_kept() -> Iterator[None]:
    try:
        yield
    except StorageAway:
        logger.exception("An upload was refused: the bucket is away")
        raise storage_away() from None
    except (OSError, OperationalError) as error:
        full = "disk is full" in str(error) or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
        if not full:
            raise
        logger.exception("An upload was refused: the disk is full")
        raise Refused(UPLOAD_NOT_KEPT, code="disk_full", status=507) from None
