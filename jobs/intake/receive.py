"""Bytes from a stranger become an `Asset`, or a refusal in one sentence that leaves no row and no file behind.

Nothing of an upload is kept but its pixels: decoded in full, turned upright, converted to sRGB, written into
a new file under a random name. A JPEG keeps its quantisation tables where nothing had to be changed; other
lossy files become JPEG, with transparency lossless WebP (a third smaller than PNG and no slower); what was
stored without loss stays so, as PNG. Animations become lossless WebP (half the size of APNG and no slower).
"""

import errno
import hashlib
import io
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.core.files import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.db import OperationalError

from jobs.errors import Refused, StorageAway, storage_away
from jobs.intake import limits
from jobs.intake.archives import receive_archive, receive_model
from jobs.intake.developed import Developed
from jobs.intake.pictures import receive_picture
from jobs.intake.sniffing import check_size, clean_name, most_bytes, sniff
from jobs.messages import UPLOAD_DAMAGED, UPLOAD_NOT_KEPT, UPLOAD_OUT_OF_MEMORY
from jobs.models import Asset, Owner
from ml.core.errors import InputError
from ml.core.formats import Format, Kind

logger = logging.getLogger(__name__)
warnings.filterwarnings("ignore", module=r"PIL\.")  # its remarks on odd metadata, of which nothing is kept

# A 40-megapixel photo takes 160 MB decoded, and as much again while it is turned: not in all threads at once.
_turn_to_decode = threading.BoundedSemaphore(2)


def receive(owner: Owner | None, file: "UploadedFile[Any]") -> Asset:
    """The upload as a stored photo of `owner`, or of the site itself.

    Raises `Refused`, and then there is neither a row nor a file.
    """
    check_size(file.size or 0)
    if owner:
        limits.check_upload(owner, file.size or 0)
    with _turn_to_decode:
        with _refusing_what_cannot_be_decoded():
            developed = _developed(file, sniff(file))
        with _refusing_what_cannot_be_kept():
            return _store(owner, developed, clean_name(file.name or ""))


class UploadLimit(FileUploadHandler):
    """First of FILE_UPLOAD_HANDLERS: lets nothing beyond the limit reach disk or memory, and keeps counting.

    The file that comes of it is empty but tells its true size, by which `receive` refuses it.
    """

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        return raw_data if start + len(raw_data) <= most_bytes() else None

    def file_complete(self, file_size: int) -> "UploadedFile[Any] | None":
        if file_size <= most_bytes():
            return None
        return UploadedFile(io.BytesIO(), self.file_name, self.content_type, file_size)


def _developed(file: "UploadedFile[Any]", file_format: Format) -> Developed:
    match file_format.kind:
        case Kind.VIDEO:
            from jobs.intake.videos import receive_video  # loads FFmpeg, which only those who send films need

            return receive_video(file)
        case Kind.ARCHIVE:
            return receive_archive(file)
        case Kind.MODEL:
            return receive_model(file)
        case _:
            return receive_picture(file, file_format)


def _store(owner: Owner | None, developed: Developed, name: str) -> Asset:
    file = developed.file
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    file.seek(0)
    asset = Asset(
        owner=owner, name=name, kind=developed.kind, format=developed.format, width=developed.width,
        height=developed.height, frames=developed.frames, seconds=developed.seconds, color=developed.color,
        notes=[note.as_json() for note in developed.notes], bytes=size, sha256=digest,
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
def _refusing_what_cannot_be_decoded() -> Iterator[None]:
    """A decoder may raise anything at a hostile file; what is no fault of the file is told apart."""
    try:
        with _refusing_what_cannot_be_kept():
            yield
    except Refused:
        raise
    except InputError as error:
        raise Refused(error.message, code="unsupported") from None
    except MemoryError:
        logger.exception("An upload was refused for want of memory")
        raise Refused(UPLOAD_OUT_OF_MEMORY, code="out_of_memory", status=503) from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        logger.info("An upload was refused as damaged: %r", error)
        raise Refused(UPLOAD_DAMAGED, code="damaged") from None


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
