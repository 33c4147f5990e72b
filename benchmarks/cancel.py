"""How long a run works between two questions whether it must end: the longest wait of a cancel.

python -m benchmarks.cancel

On photos larger than a test would take; of the thread's own time, which other processes do not disturb. Each run
is cancelled after a few seconds. The aim is below one second.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.memory import noisy_photo
from ml.core.context import Context, Inputs
from ml.core.errors import Cancelled
from ml.core.execution import execute
from ml.core.images import write_picture
from ml.registry import registry

RUNS_SECONDS = 5.0
RUNS: list[tuple[str, dict[str, Any]]] = [
    ("super-resolution", {"method": "real-esrgan", "scale": 4}),
    ("deep-dream", {"octaves": 1}),
    ("style-transfer", {"method": "gatys"}),
    ("style-transfer", {"method": "fast"}),
    ("style-transfer", {"method": "arbitrary"}),
    ("gan-sample", {"count": 144}),
    ("vae-sample", {"action": "manifold", "side": 40}),
]


class Impatient(Context):
    """Cancels after a while, and keeps how long it once had to wait to be asked, in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = self.asked = time.thread_time()
        self.longest = 0.0

    def cancel_requested(self) -> bool:
        now = time.thread_time()
        self.longest, self.asked = max(self.longest, now - self.asked), now
        return now - self.begun > RUNS_SECONDS


def main() -> None:
    rows: list[tuple[str, ...]] = [("", "longest wait")]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.png"
        write_picture(noisy_photo(1024, 1024), path, "png")
        for slug, params in RUNS:
            name = " ".join([slug, *map(str, params.values())])
            rows.append((name, f"{longest_wait(slug, params, path):.2f} s"))
    report.write("How long a cancel waits", "python -m benchmarks.cancel", report.table(rows))


def longest_wait(slug: str, params: dict[str, Any], path: Path) -> float:
    """Once for the networks to be loaded, and once measured."""
    operation = registry().get(slug)
    inputs = Inputs({slot.name: [path] for slot in operation.inputs if slot.required})
    for _ in range(2):
        context = Impatient()
        try:
            execute(operation, operation.parse(params), inputs, context)
        except Cancelled:
            continue
        context.cancel_requested()
    return context.longest


if __name__ == "__main__":
    main()
