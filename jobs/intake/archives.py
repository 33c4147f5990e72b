"""Uploads that are no picture but hold what came of pictures: ZIP archives of photos, and models trained on them.

Both are made anew: of an archive each photo as if it had been uploaded alone, of a model its numbers and names.
"""

import io
import zlib
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO
from zipfile import BadZipFile, ZipFile, ZipInfo

from jobs.errors import Refused
from jobs.intake.developed import Allowed, Developed
from jobs.intake.pictures import receive_picture
from jobs.intake.sniffing import check_size, sniff
from jobs.messages import ARCHIVE_TOO_LARGE, BAD_PHOTO, NO_PHOTO, PHOTOS_OF, TELLS_APART, UPLOAD_DAMAGED
from ml.classify.heads import MOST_BYTES, read_head, write_head
from ml.core.errors import InputError
from ml.core.files import undamaged
from ml.core.formats import FORMATS, Kind
from ml.core.text import excerpt
from ml.train_classifier import archives

MOST_MEGAPIXELS_FACTOR = 12  # all photos of an archive together hold at most so many times the pixels of one


def receive_archive(file: IO[bytes], allowed: Allowed) -> Developed:
    """A ZIP archive with a folder of photos for each class; the same again, of photos made anew."""
    archives.check_end(_tail(file))
    with undamaged(), ZipFile(file) as archive:
        return _developed(archive, allowed)


def receive_model(file: IO[bytes], allowed: Allowed) -> Developed:
    """A classifier of somebody's own, and nothing but its numbers and the names of its classes."""
    with NamedTemporaryFile(dir=allowed.folder) as copy:
        copy.write(file.read(MOST_BYTES + 1))
        copy.flush()
        head = read_head(Path(copy.name))
    with NamedTemporaryFile(dir=allowed.folder) as made:
        write_head(head, Path(made.name))
        content = Path(made.name).read_bytes()
    note = TELLS_APART(classes=", ".join(head.classes))
    return Developed(io.BytesIO(content), Kind.MODEL, "safetensors", 0, 0, "#808080", notes=(note,))


def _tail(file: IO[bytes]) -> bytes:
    file.seek(max(0, file.seek(0, io.SEEK_END) - archives.TAIL_BYTES))
    tail = file.read()
    file.seek(0)
    return tail


def _developed(archive: ZipFile, allowed: Allowed) -> Developed:
    classes = archives.photos_by_class(archive)
    made = TemporaryFile(dir=allowed.folder)  # noqa: SIM115 (closed by whoever stores it)
    try:
        count = _write(archive, classes, made, allowed)
    except BaseException:
        made.close()
        raise
    names = ", ".join(f"{name} ({len(entries)})" for name, entries in classes.items())
    note = PHOTOS_OF(classes=names)
    return Developed(made, Kind.ARCHIVE, "zip", 0, 0, "#808080", frames=count, notes=(note,))


def _write(archive: ZipFile, classes: dict[str, list[ZipInfo]], target: IO[bytes], allowed: Allowed) -> int:
    """Put every photo, made anew, into the target; returns how many there were."""
    limit = MOST_MEGAPIXELS_FACTOR * allowed.megapixels
    megapixels, count = 0.0, 0
    with ZipFile(target, "w") as clean:
        for name, entries in classes.items():
            for number, entry in enumerate(entries, 1):
                photo = _photo(archive, entry, allowed)
                megapixels += photo.width * photo.height / 1e6
                if megapixels > limit:
                    raise Refused(ARCHIVE_TOO_LARGE(limit=limit), code="too_many_pixels")
                photo.file.seek(0)
                suffix = FORMATS[photo.format].suffix
                clean.writestr(ZipInfo(f"{name}/{number:04}{suffix}"), photo.file.read())
                count += 1
    return count


def _photo(archive: ZipFile, entry: ZipInfo, allowed: Allowed) -> Developed:
    """One photo, made anew; its name is said where it is refused."""
    try:
        check_size(entry.file_size, allowed.megabytes)
        upload = io.BytesIO(archive.read(entry))
        file_format = sniff(upload, allowed.formats)
        if file_format.kind is not Kind.IMAGE:
            raise InputError(NO_PHOTO)
        return receive_picture(upload, file_format, allowed)
    except (Refused, InputError) as error:
        reason = error.message
    except (BadZipFile, zlib.error, EOFError):
        raise
    except Exception as error:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno is not None):
            raise
        reason = UPLOAD_DAMAGED
    raise Refused(BAD_PHOTO(file=excerpt(entry.filename, 100), reason=reason))
