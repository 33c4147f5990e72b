"""What is in a ZIP archive of photos, a folder a class; whatever else is in it is refused in words."""

import re
import stat
import struct
from collections import defaultdict
from pathlib import Path, PurePosixPath
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from ml.classify.heads import LONGEST_CLASS, is_name
from ml.core.errors import InputError
from ml.core.files import undamaged
from ml.core.text import excerpt
from ml.train_classifier import check_counts
from ml.train_classifier.messages import (
    BOMB,
    FOLDER_NAME,
    LINK_OR_DEVICE,
    LOCKED,
    NOT_IN_A_CLASS,
    OUTSIDE_OF_FOLDER,
    RARELY_PACKED,
    TOO_MANY_FILES,
    UNPACKED_TOO_LARGE,
)

MOST_FILES = 1000
MOST_BYTES = 400_000_000
"""Of all files unpacked."""

MOST_TIMES = 100
"""How many times its packed size a file may have: photos hardly shrink, bombs do nothing else."""

SMALL_BYTES = 1_000_000
"""A file up to this may shrink as it likes."""

MOST_DIRECTORY_BYTES = 1_000_000
TAIL_BYTES = 65_600
"""The end of an archive, which says how long its directory is, starts at most so far before the end of the file."""

CLUTTER = re.compile(r"(^|/)(__MACOSX/|\.(?!\.?/)|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
"""What operating systems put into folders and archives."""

END = re.compile(rb"PK\x05\x06.{8}(.{4})", re.DOTALL)


def opened(path: Path) -> ZipFile:
    """The archive, its directory read; raises `InputError`."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        check_end(file.read())
    with undamaged():
        return ZipFile(path)


def check_end(tail: bytes) -> None:
    """Raise `InputError` where a directory is so long that reading it would take a while."""
    if any(struct.unpack("<I", size)[0] > MOST_DIRECTORY_BYTES for size in END.findall(tail)):
        raise _too_many()


def photos_by_class(archive: ZipFile) -> dict[str, list[ZipInfo]]:
    """The files of each class, in the order of their names; raises `InputError`.

    A folder around all the others is looked through. Nothing is unpacked.
    """
    files = [
        entry for entry in archive.infolist() if not entry.is_dir() and not CLUTTER.search(entry.filename)
    ]
    if len(files) > MOST_FILES:
        raise _too_many()
    for entry in files:
        _check(entry)
    if sum(entry.file_size for entry in files) > MOST_BYTES:
        raise InputError(UNPACKED_TOO_LARGE, limit=MOST_BYTES // 1_000_000)
    paths = {entry: _path(entry) for entry in sorted(files, key=lambda entry: entry.filename)}
    around = {path.parts[0] for path in paths.values()}
    if len(around) == 1 and all(len(path.parts) > 2 for path in paths.values()):
        paths = {entry: path.relative_to(*around) for entry, path in paths.items()}
    classes: dict[str, list[ZipInfo]] = defaultdict(list)
    for entry, path in paths.items():
        if len(path.parts) != 2:
            raise InputError(NOT_IN_A_CLASS, file=excerpt(entry.filename, 100))
        classes[_class_of(path)].append(entry)
    check_counts({name: len(entries) for name, entries in classes.items()})
    return dict(classes)


def _path(entry: ZipInfo) -> PurePosixPath:
    return PurePosixPath(entry.filename.replace("\\", "/"))  # as some programs for Windows write it


def _check(entry: ZipInfo) -> None:
    name, path = entry.filename, _path(entry)
    if path.is_absolute() or ":" in path.parts[0] or ".." in path.parts:
        raise InputError(OUTSIDE_OF_FOLDER, file=excerpt(name, 100))
    mode = entry.external_attr >> 16
    if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
        raise InputError(LINK_OR_DEVICE, file=excerpt(name, 100))
    if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise InputError(RARELY_PACKED)
    if entry.flag_bits & 1:
        raise InputError(LOCKED)
    if entry.file_size > max(SMALL_BYTES, MOST_TIMES * entry.compress_size):
        raise InputError(BOMB, file=excerpt(name, 100))


def _class_of(path: PurePosixPath) -> str:
    name = " ".join(path.parts[0].split())
    if not is_name(name):
        raise InputError(FOLDER_NAME, name=excerpt(name, LONGEST_CLASS), count=LONGEST_CLASS)
    return name


def _too_many() -> InputError:
    return InputError(TOO_MANY_FILES, count=MOST_FILES)
