"""A file made anew from an upload, and what there must be to make it."""

from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ml.core.about import NOTHING_KNOWN, About
from ml.core.formats import FORMATS, Kind
from ml.core.text import Message


@dataclass(frozen=True)
class Allowed:
    """What one upload may be and hold, and the folder where files may be made of it meanwhile."""

    megabytes: int
    megapixels: float
    folder: Path
    formats: frozenset[str] = frozenset(FORMATS)


@dataclass(frozen=True)
class Order:
    """The file to decode, where to put the one that is made of it, and what it may hold."""

    source: Path
    made: Path
    allowed: Allowed


@dataclass(frozen=True)
class Developed:
    """A file made anew from an upload, ready to be stored."""

    file: IO[bytes]
    kind: Kind
    format: str
    width: int
    height: int
    color: str
    frames: int = 1
    seconds: float = 0.0
    notes: tuple[Message, ...] = ()
    about: About = NOTHING_KNOWN
