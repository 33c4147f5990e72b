"""What frames, noise and scale do to a burst, beside single-frame methods: ``python -m benchmarks.burst --data DIR``.

Simulated bursts of the pictures in DIR, measured as `python -m ml evaluate burst-super-resolution` does; PSNR in dB on Y.
With `--seconds` instead, how long a megapixel of a frame takes on this machine.
"""

import argparse
import os
import time
from pathlib import Path

import cv2
import numpy as np

from ml.burst_super_resolution import evaluate
from ml.core.context import Context

SETTINGS = ((2, 8, 5.0), (3, 4, 5.0), (3, 8, 5.0), (3, 16, 5.0), (3, 8, 0.0), (3, 8, 10.0), (4, 16, 5.0))
"""Scale, frames, sigma."""


def table(folder: Path) -> None:
    rivals = list(evaluate.single_frame_methods(2, 0))
    print("| scale | frames | sigma | burst | " + " | ".join(rivals) + " | gain |")
    print("|--|--|--|--|" + "--|" * len(rivals) + "--|")
    for scale, frames, sigma in SETTINGS:
        settings = argparse.Namespace(data=folder, scale=scale, frames=frames, sigma=sigma, seed=0)
        found = evaluate.main(settings)
        burst, single = found["psnr"], found["single"]
        assert isinstance(burst, float)
        assert isinstance(single, dict)
        others = " | ".join(f"{psnr:.2f}" for psnr in single.values())
        gain = burst - max(single.values())
        print(f"| {scale} | {frames} | {sigma:g} | {burst:.2f} | {others} | {gain:+.2f} |", flush=True)


def seconds() -> None:
    """The processor's, by scale and frames, for frames of half a megapixel of blurred noise."""
    rng = np.random.default_rng(0)
    print("| scale | frames | seconds for a megapixel |")
    print("|--|--|--|")
    for scale, count in ((2, 2), (2, 8), (3, 8), (4, 8)):
        truth = cv2.GaussianBlur(rng.random((500 * scale + 30, 1000 * scale + 30, 3)), (0, 0), 1.5)
        frames, _truth = evaluate.simulate((truth * 255).astype(np.uint8), scale, count, 5, rng)
        start, ran = time.process_time(), time.monotonic()
        evaluate.fused(frames, scale, Context())
        spent, ran = time.process_time() - start, time.monotonic() - ran
        megapixels = frames[0].shape[0] * frames[0].shape[1] / 1e6
        print(
            f"| {scale} | {count} | {spent / megapixels:.1f} ({ran / megapixels:.1f} by the clock) |",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of ground truth")
    parser.add_argument("--seconds", action="store_true")
    chosen = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    if chosen.seconds:
        seconds()
    elif chosen.data:
        table(chosen.data)
    else:
        parser.error("give --data DIR or --seconds")
