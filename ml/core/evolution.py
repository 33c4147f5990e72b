"""A short film of how a picture came about, written while it does."""

import math
from pathlib import Path
from types import TracebackType
from typing import Self

from ml.core.frames import Frame, VideoWriter
from ml.core.images import Picture
from ml.core.resize import resize

FRAMES = 100
"""At most so many are kept of all states."""

LONGEST_SIDE, SHORTEST_SIDE = 640, 16
SECONDS = 0.08
"""For a frame; the last one stays longer."""

LAST_SECONDS = 1.5


class Evolution:
    """An MP4 of the states of a picture of so many pixels, of which `states` are to come.

    Used as a context manager; the file is whole when that ends without an error.
    """

    def __init__(self, path: Path, width: int, height: int, states: int) -> None:
        scale = min(1.0, LONGEST_SIDE / max(width, height))
        self.size = (max(SHORTEST_SIDE, round(width * scale)), max(SHORTEST_SIDE, round(height * scale)))
        self._writer = VideoWriter(path)
        self._every = math.ceil(states / FRAMES)
        self._states = 0
        self._seconds = 0.0
        self._last: Picture | None = None

    def __enter__(self) -> Self:
        self._writer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._last:
            self._write(self._last, LAST_SECONDS)
        self._writer.__exit__(kind, error, trace)

    def add(self, picture: Picture) -> None:
        """The next state."""
        if self._states % self._every == 0:
            self._write(picture, SECONDS)
        self._states += 1
        self._last = picture

    def _write(self, picture: Picture, seconds: float) -> None:
        self._writer.add(Frame(resize(picture, *self.size), self._seconds, seconds))
        self._seconds += seconds
