"""What a file is, whatever its kind, told by its content alone."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ml.core import reading
from ml.core.errors import InputError
from ml.core.formats import Kind
from ml.core.messages import ARCHIVE_DAMAGED
from ml.core.operation import Facts
from ml.core.sniffing import sniffed_at


def facts(path: Path) -> Facts:
    """The kind of a file and its size; an archive's frames are its files. Raises `InputError`."""
    found = sniffed_at(path)
    match found.kind if found else None:
        case Kind.ARCHIVE:
            return Facts(Kind.ARCHIVE, 0, 0, frames=_count(path))
        case Kind.MODEL:
            return Facts(Kind.MODEL, 0, 0)
        case Kind.VIDEO:
            from ml.core.frames import video_facts  # loads FFmpeg, which only videos need

            return video_facts(path)
        case _:
            return reading.facts(path)


def _count(path: Path) -> int:
    with undamaged(), zipfile.ZipFile(path) as archive:
        return sum(not entry.is_dir() for entry in archive.infolist())


@contextmanager
def undamaged() -> Iterator[None]:
    """Within it an archive is read; raises `InputError` where it is damaged, or packed as Python cannot read it."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError):
        raise InputError(ARCHIVE_DAMAGED) from None
