"""What a file is, whatever its kind, told by its content alone."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ml.core import images
from ml.core.errors import InputError
from ml.core.messages import ARCHIVE_DAMAGED
from ml.core.operation import Facts, Kind

MP4 = re.compile(
    rb".{4}(?:ftyp(?:isom|iso\d|mp4\d|avc1|qt  |M4[AV]|3g|MSNV|dash|mmp4|XAVC|F4V)|moov|mdat|wide)", re.DOTALL
)
"""And QuickTime; the brands are those of films and sound, since AVIF and HEIC are built alike."""
WEBM = re.compile(rb"\x1aE\xdf\xa3")
ZIP = re.compile(rb"PK\x03\x04")
SAFETENSORS = re.compile(rb"..\0{6}\{", re.DOTALL)
"""The length of a header below 64 KiB, as 64 bits, and the start of the header."""


def facts(path: Path) -> Facts:
    """The kind of a file and its size; an archive's frames are its files. Raises `InputError`."""
    head = _head(path)
    if ZIP.match(head):
        return Facts(Kind.ARCHIVE, 0, 0, frames=_count(path))
    if SAFETENSORS.match(head):
        return Facts(Kind.MODEL, 0, 0)
    if MP4.match(head) or WEBM.match(head):
        from ml.core.frames import video_facts

        return video_facts(path)
    return images.facts(path)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(16)
    except OSError:
        return b""  # reading it as a picture says what is wrong


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
