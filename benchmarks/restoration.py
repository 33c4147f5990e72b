"""Restoration methods side by side: ``python -m benchmarks.restoration --data DIR [--sets set5 cbsd68] [--peers DIR]``.

DIR holds the usual test sets, each a folder: set5, set14, bsd100 for super-resolution, cbsd68, bsd68 for denoising.
PSNR and SSIM are those of ``python -m ml evaluate``; the seconds are those of the operation on a photo, tiles, colour
and all. ``--peers`` names a folder with OpenCV's FSRCNN_x2.pb, FSRCNN_x3.pb and FSRCNN_x4.pb.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks import report
from ml.core.context import Context
from ml.core.images import Picture, read_picture
from ml.core.metrics import read_pictures
from ml.denoising import SECONDS_PER_MEGAPIXEL as DENOISERS
from ml.denoising.evaluate import measure as measure_denoising
from ml.denoising.evaluate import score_denoising
from ml.denoising.run import denoise
from ml.super_resolution import SCALES, TILES, scales
from ml.super_resolution.evaluate import measure as measure_enlarging
from ml.super_resolution.evaluate import score_luminance
from ml.super_resolution.run import enlarge
from webapp.config import BASE_DIR

PHOTO = BASE_DIR / "static" / "samples" / "astronaut.jpg"
SIDE = 256
ROUNDS, ENOUGH_SECONDS = 4, 20
SIGMAS = (15, 25, 50)
CPU = torch.device("cpu")

ENLARGING: Mapping[str, Mapping[str, Sequence[str]]] = {
    "set5": {
        "bicubic": ("33.66 / .9299", "30.39 / .8682", "28.42 / .8104"),
        "SRCNN": ("36.66 / .9542", "32.75 / .9090", "30.48 / .8628"),
        "FSRCNN": ("37.00 / .9558", "33.18 / .9140", "30.72 / .8660"),
        "VDSR": ("37.53 / .9587", "33.66 / .9213", "31.35 / .8838"),
        "IDN": ("37.83 / .9600", "34.11 / .9253", "31.82 / .8903"),
    },
    "set14": {
        "bicubic": ("30.24 / .8688", "27.55 / .7742", "26.00 / .7027"),
        "SRCNN": ("32.45 / .9067", "29.29 / .8215", "27.50 / .7513"),
        "FSRCNN": ("32.63 / .9088", "29.37 / .8240", "27.61 / .7550"),
        "VDSR": ("33.03 / .9124", "29.77 / .8314", "28.01 / .7674"),
        "IDN": ("33.30 / .9148", "29.99 / .8354", "28.25 / .7730"),
    },
    "bsd100": {
        "bicubic": ("29.56 / .8431", "27.21 / .7385", "25.96 / .6675"),
        "SRCNN": ("31.36 / .8879", "28.41 / .7863", "26.90 / .7101"),
        "FSRCNN": ("31.53 / .8920", "28.53 / .7910", "26.98 / .7150"),
        "VDSR": ("31.90 / .8960", "28.82 / .7976", "27.29 / .7251"),
        "IDN": ("32.08 / .8985", "28.95 / .8013", "27.41 / .7297"),
    },
}
ENLARGING_SOURCES = (
    "Rows in italics are published: x2 as tabulated by IMDN (arXiv 1909.11856), bicubic, SRCNN and VDSR x3 and x4 as "
    "tabulated by later papers' repositories (DyRSRNet, SRTransGAN, AdderNet-SR), FSRCNN x3 and x4 as widely quoted, "
    "IDN (553 k parameters, 291 images) by the README of its TensorFlow version."
)
DENOISING: Mapping[str, Mapping[str, Sequence[str]]] = {
    "cbsd68": {
        "CBM3D": ("33.52", "30.71", "27.38"),
        "CDnCNN": ("33.90", "31.24", "27.95"),
        "FFDNet": ("33.87", "31.21", "27.96"),
    },
    "bsd68": {
        "BM3D": ("31.08", "28.57", "25.60"),
        "DnCNN": ("31.73", "29.23", "26.23"),
        "FFDNet": ("31.63", "29.19", "26.29"),
    },
}
DENOISING_SOURCES = (
    "Rows in italics are published: as tabulated by SwinIR (arXiv 2108.10257). BM3D is no method of ours: the library "
    "that has it may not be used commercially."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--sets", nargs="+", choices=[*ENLARGING, *DENOISING], metavar="SET")
    parser.add_argument("--methods", nargs="+", choices=[*TILES, *DENOISERS], metavar="METHOD")
    parser.add_argument("--peers", type=Path, metavar="DIR")
    args = parser.parse_args()
    if args.peers:
        cv2.dnn_registerLayer("DepthToSpace", DepthToSpace)
    given = " --peers DIR" if args.peers else ""
    given += f" --methods {' '.join(args.methods)}" if args.methods else ""
    for name in args.sets or [name for name in (*ENLARGING, *DENOISING) if (args.data / name).is_dir()]:
        busy = os.getloadavg()[0]
        if name in ENLARGING:
            title, text = "Super-resolution", enlarging(args.data / name, args.methods, args.peers)
        else:
            title, text = "Denoising", denoising(args.data / name, args.methods)
        if busy > 1:
            text += f"\n\nOther work ran meanwhile (load {busy:.1f} at the start), so that the times are too long."
        command = f"python -m benchmarks.restoration --data DIR --sets {name}{given}"
        report.write(f"{title}: {name}", command, text)


def enlarging(folder: Path, methods: Sequence[str] | None, peers: Path | None) -> str:
    """A table of methods by scales on one set."""
    rows = [("method", *(title for scale in SCALES for title in (f"x{scale}", "s/MP")))]
    for method in _chosen(TILES, methods):
        known = scales(method)
        cells = (
            (
                _said(measure_enlarging(method, scale, folder, "cpu")),
                f"{enlarging_seconds(method, scale):.2f}",
            )
            if scale in known
            else ("not trained", "")
            for scale in SCALES
        )
        rows.append((method, *(cell for pair in cells for cell in pair)))
    if peers:
        pictures = [picture for _, picture in read_pictures(folder)]
        cells = (opencv_fsrcnn(peers / f"FSRCNN_x{scale}.pb", scale, pictures) for scale in SCALES)
        rows.append(("OpenCV's FSRCNN (Y only)", *(cell for pair in cells for cell in pair)))
    for paper, figures in ENLARGING[folder.name].items():
        rows.append((f"*{paper}*", *(cell for figure in figures for cell in (figure, ""))))
    return (
        f"{report.table(rows)}\n\nPSNR in dB / SSIM of Y, and seconds per megapixel of the picture to be enlarged. "
        f"{ENLARGING_SOURCES}"
    )


def denoising(folder: Path, methods: Sequence[str] | None) -> str:
    """A table of methods by levels of noise on one set."""
    columns = [*((sigma, False) for sigma in SIGMAS), (25, True)]
    rows = [("method", *(f"{sigma}{', 8 bits' if clipped else ''}" for sigma, clipped in columns), "s/MP")]
    for method in _chosen(DENOISERS, methods):
        cells = (
            _said(measure_denoising(method, sigma, folder, "cpu", clipped)) for sigma, clipped in columns
        )
        rows.append((method, *cells, f"{denoising_seconds(method):.2f}"))
    pictures = [picture for _, picture in read_pictures(folder)]
    if len(pictures[0]) == 3 and not methods:
        rows.append(("OpenCV's fastNlMeansDenoisingColored", "", "", "", *opencv_nlm(pictures)))
    for paper, figures in DENOISING[folder.name].items():
        rows.append((f"*{paper}*", *figures, "", ""))
    return (
        f"{report.table(rows)}\n\nPSNR in dB / SSIM at three noise levels, and of noise rounded and clipped to 8 bits; "
        f"seconds per megapixel at level 25. {DENOISING_SOURCES}"
    )


def _chosen(known: Iterable[Any], methods: Sequence[str] | None) -> list[Any]:
    return [method for method in known if methods is None or method in methods]


def _said(measured: Mapping[str, float | None]) -> str:
    return f"{measured['psnr']:.2f} / {measured['ssim']:.4f}".replace(" 0.", " .")


def photo() -> Picture:
    """The middle of a sample."""
    return Picture(np.ascontiguousarray(read_picture(PHOTO).pixels[:SIDE, 128 : 128 + SIDE]))


def seconds(work: Callable[[], object], picture: Picture) -> float:
    """Per megapixel of a picture, the best of some rounds: the first of them loads what is needed."""
    taken: list[float] = []
    while len(taken) < ROUNDS and sum(taken) < ENOUGH_SECONDS:
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return min(taken) / picture.megapixels


@cache
def enlarging_seconds(method: Any, scale: int) -> float:
    picture = photo()
    return seconds(lambda: enlarge(picture, method, scale, Context()), picture)


@cache
def denoising_seconds(method: Any) -> float:
    picture = photo()
    return seconds(lambda: denoise(picture, method, 25, Context()), picture)


class DepthToSpace:
    """The layer of TensorFlow's that OpenCV has in its dnn_superres only, which the wheel leaves out."""

    def __init__(self, params: Mapping[str, Any], blobs: Sequence[np.ndarray[Any, Any]]) -> None:
        self.block = int(params["block_size"])

    def getMemoryShapes(self, inputs: Sequence[Sequence[int]]) -> list[list[int]]:
        count, channels, height, width = inputs[0]
        return [[count, channels // self.block**2, height * self.block, width * self.block]]

    def forward(self, inputs: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        return [functional.pixel_shuffle(torch.from_numpy(inputs[0]), self.block).numpy()]


def opencv_fsrcnn(graph: Path, scale: int, pictures: Sequence[Tensor]) -> tuple[str, str]:
    """OpenCV's network on Y, by OpenCV's engine."""
    network = cv2.dnn.readNetFromTensorflow(str(graph))

    def apply(y: Tensor) -> Tensor:
        network.setInput(y[None].numpy())
        return torch.from_numpy(network.forward()[0])

    picture = photo()
    y = torch.from_numpy(picture.pixels[:, :, :1].copy()).permute(2, 0, 1) / 255
    score = score_luminance(apply, scale, pictures, CPU)
    return _said({"psnr": score.psnr, "ssim": score.ssim}), f"{seconds(lambda: apply(y), picture):.2f}"


def opencv_nlm(pictures: Sequence[Tensor]) -> tuple[str, str]:
    """OpenCV's own colour mode of non-local means, at its recommended windows and a strength of sigma."""

    def apply(noisy: Tensor, sigma: float) -> Tensor:
        pixels = np.ascontiguousarray((noisy * 255).round().byte().permute(1, 2, 0).numpy())
        strength = 255 * sigma
        cleaned = cv2.fastNlMeansDenoisingColored(pixels, None, strength, strength, 7, 21)
        return torch.from_numpy(cleaned).permute(2, 0, 1) / 255

    picture = photo()
    image = torch.from_numpy(picture.pixels).permute(2, 0, 1) / 255
    score = score_denoising(apply, 25, pictures, CPU, clipped=True)
    taken = seconds(lambda: apply(image, 25 / 255), picture)
    return _said({"psnr": score.psnr, "ssim": score.ssim}), f"{taken:.2f}"


if __name__ == "__main__":
    main()
