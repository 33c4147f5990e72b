"""What the directories of a TIFF say, before a decoder sees it. Camera raws are TIFFs, too.

TIFF 6.0, section 2; BigTIFF has wider numbers in the same places. A leaf: it imports nothing of this project.
"""

import io
import struct
from collections.abc import Iterator
from typing import IO

BITS, COMPRESSION, PHOTOMETRIC, STRIPS, SAMPLES, PLANES = 258, 259, 262, 273, 277, 284
TILES, SUB_DIRECTORIES, EXTRA, SAMPLE_FORMAT, DNG_VERSION = 324, 330, 338, 339, 50706
WHITE_IS_ZERO, SENSOR, LINEAR_SENSOR = 0, 32803, 34892
ASSOCIATED = 1
"""As `EXTRA`: colour is multiplied by alpha."""

MOST_ENTRIES = 20_000
MOST_DIRECTORIES = 16
MOST_VALUES, MOST_PIECES = 32, 50_000
"""Of a tag with more, only their number is told; the second is for where strips and tiles are, and how long."""
PIECES = ((STRIPS, 279), (TILES, 325))
WHOLE = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
"""The types of whole numbers."""


class NoDirectory(ValueError):
    """The file does not hold what it says it does."""


class Directory:
    """The whole numbers of its tags, and how many values each tag has."""

    def __init__(self) -> None:
        self.values: dict[int, tuple[int, ...]] = {}
        self.counts: dict[int, int] = {}

    def first(self, tag: int, otherwise: int) -> int:
        values = self.values.get(tag, ())
        return values[0] if values else otherwise


class _Layout:
    """Classic or big, and which byte comes first; raises `NoDirectory`."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        head = self.at(0, 4)
        self.order = "<" if head[:2] == b"II" else ">"
        self.big = 43 in head[2:4]
        self.word = "Q" if self.big else "I"
        self.start = self.unpack("Q" if self.big else "I", 8 if self.big else 4)[0]

    def at(self, place: int, count: int) -> bytes:
        self._file.seek(place)
        found = self._file.read(count)
        if len(found) < count:
            raise NoDirectory
        return found

    def unpack(self, layout: str, place: int) -> tuple[int, ...]:
        layout = self.order + layout
        return struct.unpack(layout, self.at(place, struct.calcsize(layout)))


def first_directory(file: IO[bytes]) -> Directory:
    """That of the picture; raises `NoDirectory`."""
    return next(directories(file))


def directories(file: IO[bytes]) -> Iterator[Directory]:
    """The first, those below it, then the next ones; raises `NoDirectory` where the first cannot be read."""
    layout = _Layout(file)
    waiting, seen = [layout.start], set[int]()
    while waiting and len(seen) < MOST_DIRECTORIES:
        start = waiting.pop(0)
        if start in seen or not start:
            continue
        seen.add(start)
        try:
            found, following = _directory(layout, start)
        except (NoDirectory, OverflowError, OSError):
            if len(seen) == 1:
                raise NoDirectory from None
            continue
        waiting += [*found.values.get(SUB_DIRECTORIES, ()), following]
        yield found


def _directory(layout: _Layout, start: int) -> tuple[Directory, int]:
    """And where the next one begins, 0 where there is none."""
    found = Directory()
    count = "Q" if layout.big else "H"
    entries = layout.unpack(count, start)[0]
    if entries > MOST_ENTRIES:
        raise NoDirectory
    entry = f"HH{layout.word}"
    size = struct.calcsize("<" + entry) + struct.calcsize("<" + layout.word)
    place = start + struct.calcsize("<" + count)
    for _entry in range(entries):
        tag, kind, values = layout.unpack(entry, place)
        found.counts[tag] = values
        most = MOST_PIECES if any(tag in pair for pair in PIECES) else MOST_VALUES
        if kind in WHOLE and values <= most:
            found.values[tag] = _values(layout, place + struct.calcsize("<" + entry), WHOLE[kind] * values)
        place += size
    try:
        following = layout.unpack(layout.word, place)[0]
    except NoDirectory:
        following = 0
    return found, following


def _values(layout: _Layout, place: int, kinds: str) -> tuple[int, ...]:
    """They stand in the entry where they fit into it, else where it points to."""
    if struct.calcsize("<" + kinds) > struct.calcsize("<" + layout.word):
        place = layout.unpack(layout.word, place)[0]
    try:
        return layout.unpack(kinds, place)
    except (NoDirectory, OverflowError, OSError):
        return ()


def holds_raw(file: IO[bytes]) -> bool:
    """Whether a TIFF is a camera's: what its sensor saw is in one of its directories."""
    try:
        return any(
            DNG_VERSION in found.counts or found.first(PHOTOMETRIC, 0) in (SENSOR, LINEAR_SENSOR)
            for found in directories(file)
        )
    except NoDirectory:
        return False


def is_whole(file: IO[bytes]) -> bool:
    """Whether all strips and tiles of a TIFF end within it, as far as it says where they are."""
    size = file.seek(0, io.SEEK_END)
    try:
        return not any(
            start + length > size
            for found in directories(file)
            for starts, lengths in PIECES
            for start, length in zip(
                found.values.get(starts, ()), found.values.get(lengths, ()), strict=False
            )
        )
    except NoDirectory:
        return False


def is_plain(file: IO[bytes]) -> bool:
    """Whether a TIFF has at most 8 bits a channel, as whole numbers: what Pillow reads as it is meant."""
    found = first_directory(file)
    whole = all(value == 1 for value in found.values.get(SAMPLE_FORMAT, (1,)))
    return whole and max(found.values.get(BITS, (1,)) or (1,)) <= 8
