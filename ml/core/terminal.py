"""How a run is followed on a terminal."""

import sys

from tqdm import tqdm

from ml.core.context import Context
from ml.core.text import Message


class Terminal(Context):
    """Shows progress and notes on stderr."""

    def __init__(self, title: str, *, seed: int, device: str) -> None:
        super().__init__(seed=seed, device=device)
        self._bar = tqdm(
            total=100,
            desc=title,
            file=sys.stderr,
            bar_format="{desc}{percentage:3.0f}% {bar} {elapsed}<{remaining}",
        )

    def progress(self, fraction: float, note: Message | None = None) -> None:
        if note:
            self._bar.set_description(str(note), refresh=False)
        self._bar.update(100 * fraction - self._bar.n)

    def close(self) -> None:
        self._bar.close()
