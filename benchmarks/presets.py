"""The presets that come with Latent on six photos as people have them, before and after on one sheet: look at it.

python -m benchmarks.presets [--out docs/pictures/presets.webp]

The photos are made of pictures that scikit-image carries: small JPEGs, a dark one with the noise of a camera, a scan of a
page. Each cell shows the same part of the picture at the same size.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage import data

from ml.core import chain
from ml.core.errors import OperationError
from ml.core.terminal import Terminal
from ml.denoise import degradations
from ml.presets import PRESETS, Preset

CELL, GAP = 260, 8
PART = 0.5
"""Of the width and height of the picture, around the middle."""


def picture(name: str) -> Image.Image:
    return Image.fromarray(np.asarray(getattr(data, name)())).convert("RGB")


def small(name: str, side: int, quality: int) -> Callable[[Path], None]:
    """A JPEG as it was sent around years ago."""

    def write(path: Path) -> None:
        image = picture(name)
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        image.save(path, "JPEG", quality=quality)

    return write


def by_night(name: str, quality: int) -> Callable[[Path], None]:
    """Darkened, with the noise that a camera adds in the dark."""

    def write(path: Path) -> None:
        image = picture(name)
        image.thumbnail((480, 480))
        clean = torch.from_numpy(np.asarray(image) / np.float32(255)).permute(2, 0, 1)[None] * 0.55
        generator = torch.Generator().manual_seed(3)
        noisy = (clean + 0.08 * degradations.correlated_noise(clean.shape, generator))[0].permute(1, 2, 0)
        Image.fromarray((noisy.clamp(0, 1) * 255).round().byte().numpy()).save(path, "JPEG", quality=quality)

    return write


PHOTOS = {
    "cat, 200 px, quality 40": small("chelsea", 200, 40),
    "portrait, 240 px, quality 50": small("astronaut", 240, 50),
    "coffee, 320 px, quality 70": small("coffee", 320, 70),
    "rocket by night, noise": by_night("rocket", 85),
    "coffee in the dark, noise": by_night("coffee", 80),
    "page, scanned": small("page", 380, 60),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/presets.webp"))
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, write) in enumerate(PHOTOS.items()):
            photo = Path(folder) / f"{number}.jpg"
            write(photo)
            print(f"{name}: {', '.join(preset.slug for preset in PRESETS)}")
            rows.append(
                [cell(Image.open(photo)), *(cell(done(preset, photo, Path(folder))) for preset in PRESETS)]
            )
    width, height = len(rows[0]) * (CELL + GAP) - GAP, len(rows) * (CELL + GAP) - GAP
    sheet = Image.new("RGB", (width, height), "#808080")
    for down, row in enumerate(rows):
        for right, one in enumerate(row):
            sheet.paste(one, (right * (CELL + GAP), down * (CELL + GAP)))
    sheet.save(asked.out, quality=82, method=6)


def done(preset: Preset, photo: Path, folder: Path) -> Image.Image:
    """What a preset makes of a photo; gray where it cannot be done, which is said."""
    steps = chain.steps_in(
        [{"operation": step.operation, "params": dict(step.params)} for step in preset.steps]
    )
    try:
        result = chain.run(
            steps, photo, folder, lambda step: Terminal(step.operation.slug, seed=0, device="cpu")
        )
    except OperationError as error:
        print(f"  {preset.slug}: {error}")
        return Image.new("RGB", (CELL, CELL), "#808080")
    return Image.fromarray(next(iter(result.result.images.values())).pixels.squeeze()).convert("RGB")


def cell(image: Image.Image) -> Image.Image:
    side = PART * min(image.size)
    left, top = ((length - side) / 2 for length in image.size)
    part = (left, top, left + side, top + side)
    return image.convert("RGB").resize((CELL, CELL), Image.Resampling.BICUBIC, box=part)


if __name__ == "__main__":
    main()
