"""Peak memory of large photos: ``python -m benchmarks.memory``.

Each run is a process of its own on a 12-megapixel photo with noise; what it reports is its largest resident size,
with the libraries, the decoded photo and the result in it.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from ml.core.context import Context, Inputs
from ml.core.execution import execute
from ml.core.images import Picture, write_picture
from ml.registry import registry

WIDTH, HEIGHT = 4000, 3000
RUNS: list[tuple[str, dict[str, Any]]] = [
    ("denoise", {"method": "nlm"}),
    ("super-resolution", {"method": "real-esrgan-compact", "scale": 2}),
    ("super-resolution", {"method": "real-esrgan-compact", "scale": 3}),
    ("super-resolution", {"method": "bicubic", "scale": 3}),
    ("transform", {"action": "rotate", "angle": 30}),
]
SMALL_RUN = ("super-resolution", {"method": "real-esrgan", "scale": 4})
"""Real-ESRGAN's large network takes an hour for 12 megapixels on two cores: two of its tiles show its peak."""
SMALL_SIZE = (640, 480)


def main() -> None:
    """Print a table; the largest peak is to stay below 3,000 MB."""
    print(f"{'run':58} {'megapixels':>10} {'seconds':>8} {'peak MB':>8}")
    with tempfile.TemporaryDirectory() as folder:
        sizes = {path: Path(folder) / f"{path[0]}x{path[1]}.png" for path in ((WIDTH, HEIGHT), SMALL_SIZE)}
        for (width, height), path in sizes.items():
            write_picture(noisy_photo(width, height), path, "png")
        large, small = sizes.values()
        for (slug, params), path in [*((run, large) for run in RUNS), (SMALL_RUN, small)]:
            command = [sys.executable, "-m", "benchmarks.memory", slug, json.dumps(params), str(path)]
            measured = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            name = f"{slug} {' '.join(str(value) for value in params.values())}"
            print(
                f"{name:58} {measured['megapixels']:10.1f} {measured['seconds']:8.1f} {measured['peak']:8.0f}",
                flush=True,
            )


def noisy_photo(width: int, height: int) -> Picture:
    """A gradient with Gaussian noise of sigma 20."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    clean = np.stack([255 * x / width, 255 * y / height, 127 + 100 * np.sin(x / 40)], axis=2)
    noise = 20 * np.random.default_rng(0).standard_normal(clean.shape, np.float32)
    return Picture(np.clip(clean + noise, 0, 255).astype(np.uint8))


def measure(slug: str, params: dict[str, Any], path: Path) -> dict[str, float]:
    """Run one operation in this process and write its result; megapixels in, seconds, and the peak in MB."""
    operation = registry().get(slug)
    started = time.monotonic()
    inputs = Inputs({"image": [path]})
    result = execute(operation, operation.parse(params), inputs, Context())
    write_picture(result.images["image"], path.with_suffix(".result.png"), "png")
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return {
        "megapixels": inputs.picture("image").megapixels,
        "seconds": time.monotonic() - started,
        "peak": kilobytes / 1000,
    }


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1], json.loads(sys.argv[2]), Path(sys.argv[3]))))
    else:
        main()
