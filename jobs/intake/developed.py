"""A file made anew from an upload."""

from dataclasses import dataclass
from typing import IO

from ml.core.formats import Kind
from ml.core.text import Message


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
