"""Restoration methods side by side: ``python -m benchmarks.restoration --data DIR [--sets set5 cbsd68] [--peers DIR]``.

DIR holds the usual test sets, each a folder: set5, set14, bsd100 for super-resolution, cbsd68, bsd68 for denoising.
PSNR and SSIM are those of ``python -m ml evaluate``. The seconds are those of a photo of 512 pixels a side, in colour
where nothing else is said, on one core and on all: of our methods those of the whole operation, tiles, colour and all.
“Y only” is a gray photo.
``--peers`` names a folder with OpenCV's graphs (fsrcnn-opencv) and the authors' denoisers (dncnn).
"""

import argparse
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from benchmarks import engines, peers, report
from ml.core.context import Context
from ml.core.images import Picture
from ml.core.metrics import Score, read_pictures
from ml.core.reading import read_picture
from ml.core.resampling import luminance
from ml.denoise import SECONDS_PER_MEGAPIXEL as DENOISERS
from ml.denoise.evaluate import METHODS as DENOISE
from ml.denoise.evaluate import Denoise, score_denoising
from ml.denoise.run import denoise
from ml.denoise.run import loaded as denoiser
from ml.super_resolution import TILES
from ml.super_resolution.evaluate import Enlarge, enlargement, score_luminance
from ml.super_resolution.params import SCALES
from ml.super_resolution.run import COLOR, enlarge, loaded
from webapp.config import BASE_DIR

PHOTO = BASE_DIR / "static" / "samples" / "astronaut.jpg"
SIDE = 512
SLOW_SIDE, SLOW = 128, 50
"""Methods that take longer than so many seconds a megapixel are timed on a smaller part of the photo."""
ROUNDS, ENOUGH_SECONDS = 4, 10
TIMED_SCALE, TIMED_SIGMA = 3, 25
SIGMAS = (15, 25, 50)
CPU = torch.device("cpu")
CORES = len(os.sched_getaffinity(0))

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
    given = " --peers DIR" if args.peers else ""
    given += f" --methods {' '.join(args.methods)}" if args.methods else ""
    for name in args.sets or [name for name in (*ENLARGING, *DENOISING) if (args.data / name).is_dir()]:
        busy = os.getloadavg()[0]
        if name in ENLARGING:
            title, text = "Super-resolution", enlarging(args.data / name, args.methods, args.peers)
        else:
            title, text = "Denoising", denoising(args.data / name, args.methods, args.peers)
        if busy > 1:
            text += f"\n\nOther work ran meanwhile (load {busy:.1f} at the start), so that the times are too long."
        command = f"python -m benchmarks.restoration --data DIR --sets {name}{given}"
        report.write(f"{title}: {name}", command, text)


@dataclass(frozen=True)
class Contender:
    """A way of restoring. `method` is what is scored: of enlarging an `Enlarge` by scale, of denoising a `Denoise`.

    `work`, called on the cores it is to run on, gives what is timed on a picture of `side` pixels.
    """

    name: str
    method: Callable[..., Any]
    work: Callable[[], Callable[[], object]]
    side: int = SIDE
    color: bool = False
    known: Sequence[int] = SIGMAS
    """The levels of noise that a denoiser can do."""


def enlarging(folder: Path, methods: Sequence[str] | None, peer_folder: Path | None) -> str:
    """A table of methods by scales on one set."""
    pictures = [picture for _, picture in read_pictures(folder)]
    rows = [("method", *(f"x{scale}" for scale in SCALES), *_cores(f"s/MP at x{TIMED_SCALE}"))]
    for each in _announced(enlargers(methods, peer_folder)):
        cells = []
        for scale in SCALES:
            with torch.inference_mode():
                score = score_luminance(each.method(scale), scale, pictures, CPU, each.color)
            cells.append(_said(score))
        rows.append((each.name, *cells, *seconds(each)))
    for paper, figures in ENLARGING[folder.name].items():
        rows.append((f"*{paper}*", *figures, *_cores("", " ")))
    return (
        f"{report.table(rows)}\n\nPSNR in dB / SSIM of Y; seconds per megapixel of the picture to be enlarged. "
        f"{ENLARGING_SOURCES}"
    )


def enlargers(methods: Sequence[str] | None, peer_folder: Path | None) -> Iterator[Contender]:
    """Our methods, our networks by other engines, and the peers."""
    for method in _chosen(TILES, methods):
        side = SLOW_SIDE if TILES[method].seconds_per_megapixel > SLOW else SIDE
        yield Contender(
            method,
            partial(enlargement, method, device="cpu"),
            partial(partial, enlarge, photo(side), method, TIMED_SCALE, Context()),
            side,
            method in COLOR,
        )
    gray = Picture(photo().pixels.mean(2, keepdims=True).astype(np.uint8))
    for method in _chosen(("latent-sr", "fsrcnn"), methods):
        yield Contender(
            f"{method} (Y only)",
            partial(enlargement, method, device="cpu"),
            partial(partial, enlarge, gray, method, TIMED_SCALE, Context()),
        )
        for engine, through in engines.ENGINES.items():
            yield _on_luminance(f"{method} by {engine}", partial(_through, through, method))
    if peer_folder:
        graphs = peer_folder / "fsrcnn-opencv"
        yield _on_luminance(
            "OpenCV's FSRCNN", lambda scale: peers.opencv_fsrcnn(graphs / f"FSRCNN_x{scale}.pb")
        )


def _on_luminance(name: str, method: Callable[[int], Enlarge]) -> Contender:
    y = luminance(_tensor(photo()))
    return Contender(f"{name} (Y only)", method, lambda: partial(method(TIMED_SCALE), y))


def _through(through: engines.Engine, method: Any, scale: int) -> Enlarge:
    network = engines.AtScale(loaded.__wrapped__(method, "cpu", scale), scale)
    apply = through(network, torch.rand(1, 1, 64, 64))
    return lambda image: apply(image[None])[0]


def denoising(folder: Path, methods: Sequence[str] | None, peer_folder: Path | None) -> str:
    """A table of methods by levels of noise on one set."""
    pictures = [picture for _, picture in read_pictures(folder)]
    columns = [*((sigma, False) for sigma in SIGMAS), (25, True)]
    titles = (f"{sigma}{', 8 bits' if clipped else ''}" for sigma, clipped in columns)
    rows = [("method", *titles, *_cores("s/MP"))]
    for each in _announced(denoisers(methods, peer_folder, len(pictures[0]))):
        with torch.inference_mode():
            cells = [
                _said(score_denoising(each.method, sigma, pictures, CPU, clipped))
                if sigma in each.known
                else ""
                for sigma, clipped in columns
            ]
        rows.append((each.name, *cells, *seconds(each)))
    for paper, figures in DENOISING[folder.name].items():
        rows.append((f"*{paper}*", *figures, "", *_cores("", " ")))
    return (
        f"{report.table(rows)}\n\nPSNR in dB / SSIM at three noise levels, and of noise rounded and clipped to 8 bits; "
        f"seconds per megapixel at level {TIMED_SIGMA}. {DENOISING_SOURCES}"
    )


def denoisers(methods: Sequence[str] | None, peer_folder: Path | None, channels: int) -> Iterator[Contender]:
    """Our methods, our network by other engines and, in colour, the peers."""
    work: Callable[[], Callable[[], object]]
    for method in _chosen(DENOISERS, methods):
        work = partial(partial, denoise, photo(), method, TIMED_SIGMA, Context())
        yield Contender(method, DENOISE[method]("cpu"), work)
    noisy, sigma = _tensor(photo())[:channels], TIMED_SIGMA / 255
    for _ in _chosen(("dncnn",), methods):
        for engine, through in engines.ENGINES.items():
            build = partial(_denoised_through, through, channels)
            work = partial(_built, build, noisy, sigma)
            yield Contender(f"dncnn by {engine}", build(), work)
    if channels == 3 and peer_folder:
        for name, (file, read, known) in peers.DENOISERS.items():
            apply = read(peer_folder / "dncnn" / file)
            yield Contender(name, apply, partial(partial, apply, noisy, sigma), known=known)
    if channels == 3 and not methods:
        work = partial(partial, peers.opencv_nlm, noisy, sigma)
        yield Contender("OpenCV's fastNlMeansDenoisingColored, 8 bits", peers.opencv_nlm, work)


def _built(build: Callable[[], Denoise], noisy: Tensor, sigma: float) -> Callable[[], object]:
    return partial(build(), noisy, sigma)


def _denoised_through(through: engines.Engine, channels: int) -> Denoise:
    apply = through(denoiser.__wrapped__("cpu"), torch.rand(1, channels, 64, 64), torch.tensor([0.1]))
    return lambda noisy, sigma: apply(noisy[None], noisy.new_tensor([sigma]))[0]


def _announced(contenders: Iterable[Contender]) -> Iterator[Contender]:
    """A set takes minutes: say who is at work."""
    with tqdm(bar_format="{n_fmt} done in {elapsed}, now {desc}") as bar:
        for each in contenders:
            bar.set_description_str(each.name)
            yield each
            bar.update()


def _chosen(known: Iterable[Any], methods: Sequence[str] | None) -> list[Any]:
    return [method for method in known if methods is None or method in methods]


def _said(score: Score) -> str:
    return f"{score.psnr:.2f} / {score.ssim:.4f}".replace(" 0.", " .")


def _cores(what: str, said: str = "") -> list[str]:
    """The heads of the columns of times, or what is `said` in each."""
    counts = sorted({1, CORES})
    return [said or f"{what}, {count} core{'s' if count > 1 else ''}" for count in counts]


def photo(side: int = SIDE) -> Picture:
    """The middle of a sample."""
    pixels = read_picture(PHOTO).pixels
    top, left = ((length - side) // 2 for length in pixels.shape[:2])
    return Picture(np.ascontiguousarray(pixels[top : top + side, left : left + side]))


def _tensor(picture: Picture) -> Tensor:
    """(C, H, W) from 0 to 1."""
    return torch.from_numpy(picture.pixels).permute(2, 0, 1) / 255


def seconds(contender: Contender) -> list[str]:
    """Per megapixel, on one core and on all: the best of some rounds, the first of which loads what is needed."""
    found = []
    for count in sorted({1, CORES}):
        with on_cores(count), torch.inference_mode():
            work = contender.work()
            taken: list[float] = []
            while len(taken) < ROUNDS and sum(taken) < ENOUGH_SECONDS:
                started = time.perf_counter()
                work()
                taken.append(time.perf_counter() - started)
        found.append(f"{min(taken) / contender.side**2 * 1e6:.2f}")
    return found


@contextmanager
def on_cores(count: int) -> Iterator[None]:
    """Within it, this thread runs on so many cores, and torch and OpenCV start so many threads."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(cores)[:count])
    torch.set_num_threads(count)
    cv2.setNumThreads(count)
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
        torch.set_num_threads(len(cores))
        cv2.setNumThreads(len(cores))


if __name__ == "__main__":
    main()
