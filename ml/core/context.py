"""What a run may ask of whoever started it, and what it gives back."""

import shutil
import tempfile
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.core.errors import Cancelled, DeadlineExceeded, InputError
from ml.core.formats import Format
from ml.core.images import Picture
from ml.core.messages import INPUT_MISSING
from ml.core.reading import read_picture
from ml.core.text import Message

if TYPE_CHECKING:
    import torch


class Context:
    """The channel between a run and whoever started it. This one reports nothing; subclasses do.

    `device` is "cpu" or "cuda"; `seed` makes a run repeatable; `deadline` is a `time.monotonic` value.
    """

    def __init__(self, *, seed: int = 0, device: str = "cpu", deadline: float | None = None) -> None:
        self.seed = seed
        self.device = device
        self.deadline = deadline

    def progress(self, fraction: float, note: Message | None = None) -> None:
        """Say how much is done (0 to 1), and in a few words what is being done."""

    def advance(self, fraction: float, note: Message | None = None) -> None:
        """Say how much is done, and end the run if it must end."""
        self.progress(fraction, note)
        self.check_cancelled()

    def preview(self, picture: Picture) -> None:
        """Show how the result looks so far."""

    def series(self, name: str, x: float, y: float) -> None:
        """Add a point to a live curve."""

    def cancel_requested(self) -> bool:
        """Whether somebody asked the run to end; overridden by whoever can know."""
        return False

    def check_cancelled(self) -> None:
        """Raise `Cancelled` or `DeadlineExceeded` when the run must end. Call it several times a second."""
        if self.cancel_requested():
            raise Cancelled
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise DeadlineExceeded

    @cached_property
    def generator(self) -> "torch.Generator":
        """The source of all randomness of a run in torch, on the CPU so that every device draws alike."""
        import torch

        return torch.Generator().manual_seed(self.seed)

    @cached_property
    def rng(self) -> np.random.Generator:
        """The source of all randomness of a run in NumPy."""
        return np.random.default_rng(self.seed)

    @cached_property
    def scratch(self) -> Path:
        """A folder for the files of a result, removed with the context."""
        folder = Path(tempfile.mkdtemp(prefix="latent-run-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder


class Inputs(Mapping[str, tuple[Path, ...]]):
    """The files in each slot."""

    def __init__(self, files: Mapping[str, Sequence[Path]]) -> None:
        self._files = {name: tuple(paths) for name, paths in files.items()}

    def __getitem__(self, slot: str) -> tuple[Path, ...]:
        return self._files.get(slot, ())

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def picture(self, slot: str) -> Picture:
        """The one picture of a slot."""
        if not self[slot]:
            raise InputError(INPUT_MISSING, slot=slot)
        return read_picture(self[slot][0])

    def pictures(self, slot: str) -> list[Picture]:
        """All pictures of a slot; none where it was left empty."""
        return [read_picture(path) for path in self[slot]]


@dataclass(frozen=True)
class Label:
    """Something recognised, with a score of 0 to 1, or something found that has none.

    `also` are wider terms, in lower-case English, by which a photo of it is found.
    """

    title: Message | str
    score: float | None = None
    also: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        title = self.title.as_json() if isinstance(self.title, Message) else self.title
        return {"title": title, "score": self.score} | ({"also": list(self.also)} if self.also else {})


@dataclass(frozen=True)
class ResultFile:
    """A file that is no picture: an MP4, a ZIP, safetensors."""

    path: Path
    format: Format


@dataclass
class Result:
    """What a run gives back. The first of `images`, or else of `files`, is the result; the rest goes with it."""

    images: dict[str, Picture] = field(default_factory=dict)
    files: dict[str, ResultFile] = field(default_factory=dict)
    metrics: dict[str, float | None] = field(default_factory=dict)
    labels: list[Label] = field(default_factory=list)
    series: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    weights: tuple[str, ...] = ()
    engine: str = "numpy"
    facts: dict[str, Any] = field(default_factory=dict)
