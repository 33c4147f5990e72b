"""What restoration was to reach, and what it reaches: ``python -m benchmarks.aims [--data DIR]`` writes docs/restoration.md.

The figures of our networks are those on their cards, which ``python -m ml evaluate … --card`` measures. With ``--data``,
the folder of the usual test sets, what has no card is measured anew; without, it is taken from the page as it stands.
"""

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import report
from ml.burst_super_resolution import evaluate as bursts
from ml.core.weights import ML_ROOT
from ml.denoise.evaluate import measure as measure_denoising
from webapp.config import BASE_DIR

PAGE = BASE_DIR / "docs" / "restoration.md"
TABLE = re.compile(r"(?<=<!-- python -m benchmarks.aims -->\n).*?(?=<!-- end -->)", re.DOTALL)
SCALES = (2, 3, 4)


@dataclass(frozen=True)
class Aim:
    """A figure in dB: `least` was wanted, `published` is what papers have, `command` measures it.

    `card` is the file of the card, relative to `ml/`, and the name of the figure on it.
    """

    what: str
    least: float
    published: str
    command: str
    card: tuple[str, str] | None = None


def _enlarging(method: str, least: Sequence[float], published: Sequence[str], card: str) -> list[Aim]:
    return [
        Aim(
            f"{method}, Set5 x{scale}",
            wanted,
            paper,
            f"python -m ml evaluate super-resolution --method {method} --scale {scale} --data DIR/set5",
            (f"super_resolution/weights/{card.format(scale=scale)}.json", f"set5 x{scale}"),
        )
        for scale, wanted, paper in zip(SCALES, least, published, strict=True)
    ]


def _denoising(folder: str, sigma: int, least: float, published: str, *, clipped: bool = False) -> Aim:
    return Aim(
        f"dncnn, {folder.upper()}, sigma {sigma}{', rounded and clipped to 8 bits' if clipped else ''}",
        least,
        published,
        f"python -m ml evaluate denoise --sigma {sigma}{' --clipped' if clipped else ''} --data DIR/{folder}",
        ("denoise/weights/dncnn.json", f"{folder} sigma {sigma}{' clipped' if clipped else ''}"),
    )


NLM = Aim(
    "nlm, CBSD68, sigma 25, rounded and clipped to 8 bits",
    28.1,
    "OpenCV's colour mode 25.9",
    "python -m ml evaluate denoise --method nlm --sigma 25 --clipped --data DIR/cbsd68",
)
BURST = Aim(
    "burst-super-resolution, Set5, 8 frames, x3, sigma 5: over the best single-frame method",
    1.0,
    "",
    "python -m ml evaluate burst-super-resolution --data DIR/set5",
)
DIGITS = Aim(
    "digit-denoise, MNIST's test part, sigma 0.5: over the noisy picture",
    8.0,
    "",
    "python -m ml evaluate digit-denoise --data MNIST",
)
AIMS: Sequence[Aim] = (
    *_enlarging("srcnn", (36.4, 32.5, 30.2), ("36.66", "32.75", "30.48"), "srcnn-x{scale}"),
    *_enlarging("fsrcnn", (36.94, 33.06, 30.55), ("37.00", "33.18", "30.72"), "fsrcnn"),
    *_enlarging("latent-sr", (37.24, 33.36, 30.85), ("IDN 37.83", "34.11", "31.82"), "latent-sr"),
    BURST,
    _denoising("cbsd68", 15, 33.4, "CBM3D 33.52, CDnCNN 33.90"),
    _denoising("cbsd68", 25, 30.71, "30.71, 31.24"),
    _denoising("cbsd68", 50, 27.38, "27.38, 27.95"),
    _denoising("cbsd68", 25, 30.5, "the authors' DnCNN 30.69, FFDNet 30.59", clipped=True),
    NLM,
    _denoising("bsd68", 25, 28.57, "BM3D 28.57, DnCNN 29.23"),
    DIGITS,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, metavar="DIR")
    args = parser.parse_args()
    page = PAGE.read_text()
    measured = _measured(args.data) if args.data else _as_it_stands(page)
    rows: list[tuple[str, ...]] = [("what", "wanted", "measured", "published", "command")]
    for aim in AIMS:
        found = measured.get(aim) if aim.card is None else _on_card(*aim.card)
        said = (
            "not trained" if found is None else f"{found:.2f}" if found >= aim.least else f"**{found:.2f}**"
        )
        rows.append((aim.what, f"{aim.least:g}", said, aim.published, f"`{aim.command}`"))
    PAGE.write_text(TABLE.sub(lambda _: f"\n{report.table(rows)}\n\n", page))
    print(report.table(rows))


def _measured(data: Path) -> Mapping[Aim, float]:
    """The figures that stand on no card, and digit-denoise's, which is a difference of two."""
    nlm = measure_denoising("nlm", 25, data / "cbsd68", "cpu", clipped=True)["psnr"]
    settings = argparse.Namespace(data=data / "set5", scale=3, frames=8, sigma=5.0, seed=0)
    burst: Mapping[str, Any] = bursts.main(settings)
    assert nlm is not None
    return {NLM: nlm, BURST: burst["psnr"] - max(burst["single"].values()), DIGITS: _digits()}


def _digits() -> float:
    card = json.loads((ML_ROOT / "digit_denoise/weights/digit-denoiser.json").read_text())
    restored, noisy = card["measured"].values()
    return float(restored - noisy)


def _as_it_stands(page: str) -> Mapping[Aim, float]:
    """From the rows of the page."""
    cells = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    found = {row[0]: row[2].strip("*") for row in cells if len(row) > 2}
    return {
        aim: float(found[aim.what])
        for aim in (NLM, BURST)
        if re.fullmatch(r"[\d.]+", found.get(aim.what, ""))
    } | {DIGITS: _digits()}


def _on_card(path: str, figure: str) -> float | None:
    card = ML_ROOT / path
    if not card.is_file():
        return None
    psnr: float | None = json.loads(card.read_text())["measured"].get(figure, {}).get("psnr")
    return psnr


if __name__ == "__main__":
    main()
