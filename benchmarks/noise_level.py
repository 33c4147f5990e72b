"""What level of noise is found where it is known: ``python -m benchmarks.noise_level --data DIR`` writes docs/restoration.md.

DIR is a folder of clean pictures. ``--keep FILE`` keeps the figures as JSON, and ``--before FILE`` puts those of an
earlier run before the new ones.
"""

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ml.core.images import Picture, Pixels
from ml.core.metrics import read_pictures
from ml.denoise.noise import estimate_sigma
from ml.denoise.protocols import KINDS, Kind
from webapp.config import BASE_DIR

PAGE = BASE_DIR / "docs" / "restoration.md"
TABLE = re.compile(r"(?<=<!-- python -m benchmarks.noise_level -->\n).*?(?=<!-- end -->)", re.DOTALL)
LEVELS = (0, 2, 5, 10, 15, 25, 40, 60)
Figures = Mapping[str, Mapping[str, Sequence[float]]]
"""By kind and level: the median of the estimates, the mean of the truths and the share within 20 % (from 0 to 1)."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of clean pictures")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth of them")
    parser.add_argument("--keep", type=Path, metavar="FILE")
    parser.add_argument("--before", type=Path, metavar="FILE")
    args = parser.parse_args(arguments)
    pictures = [colored(each.permute(1, 2, 0).numpy()) for _, each in read_pictures(args.data)][:: args.every]
    found = {
        name: {str(level): measured(kind, level, pictures) for level in LEVELS}
        for name, kind in KINDS.items()
    }
    if args.keep:
        args.keep.write_text(json.dumps(found))
    before = json.loads(args.before.read_text()) if args.before else {}
    text = f"\nMedian over {len(pictures)} pictures of {args.data.name}.\n\n{table(found, before)}\n"
    PAGE.write_text(TABLE.sub(lambda _: text, PAGE.read_text("utf-8")), "utf-8")


def colored(pixels: Pixels) -> Pixels:
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels


def measured(kind: Kind, level: float, pictures: Sequence[Pixels]) -> list[float]:
    """The median estimate, the mean truth, and the share of estimates within 20 % of it."""
    found = []
    for clean in pictures:
        noisy, truth = kind(clean, level)
        found.append((estimate_sigma(Picture(noisy.reshape(*noisy.shape[:2], -1))), truth))
    estimates, truths = np.array(found).T
    return [
        round(float(np.median(estimates)), 2),
        round(float(truths.mean()), 2),
        round(float(np.mean(np.abs(estimates - truths) <= 0.2 * truths)), 2),
    ]


def table(found: Figures, before: Figures) -> str:
    """In Markdown, a row for each kind: before, now, and how many of the pictures are within 20 %."""
    lines = ["| what was done | " + " | ".join(f"{level}" for level in LEVELS) + " |"]
    lines.append("| --- |" + " --- |" * len(LEVELS))
    for name, levels in found.items():
        cells = [cell(figures, before.get(name, {}).get(level)) for level, figures in levels.items()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def cell(figures: Sequence[float], before: Sequence[float] | None) -> str:
    estimate, truth, right = figures
    told = f"{before[0]:.1f} → {estimate:.1f}" if before else f"{estimate:.1f}"
    return f"{told} of {truth:.1f}, {right:.0%}" if truth else told


if __name__ == "__main__":
    main()
