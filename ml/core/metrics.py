"""PSNR and SSIM as the restoration papers measure them: of arrays, of pictures of any size, of folders."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage.metrics import structural_similarity
from torch import Tensor

from ml.core.errors import InputError
from ml.core.formats import PICTURE_SUFFIXES
from ml.core.images import Picture, Pixels, flattened, to_float
from ml.core.messages import NO_PICTURES
from ml.core.resampling import luminance
from ml.core.tiling import Box

TILE_SIDE = 512
WINDOW_REACH = 5
"""How far SSIM's window of 11x11 pixels reaches from its middle."""


@dataclass(frozen=True)
class Score:
    """How near an image is to its reference."""

    psnr: float | None
    """Peak signal-to-noise ratio in dB; None where the two are identical."""
    ssim: float
    """Structural similarity, at most 1."""


def mse(image: np.ndarray, reference: np.ndarray) -> float:
    """Mean squared error of two arrays of one shape, in their own units squared."""
    return float(np.mean((image.astype(np.float64) - reference.astype(np.float64)) ** 2))


def psnr(image: np.ndarray, reference: np.ndarray) -> float | None:
    """Peak signal-to-noise ratio in dB of values from 0 to 255; None (it is infinite) for equal arrays."""
    return decibels(mse(image, reference))


def decibels(error: float) -> float | None:
    """The PSNR that a mean squared error of values from 0 to 255 amounts to; None where there is no error."""
    return 10 * float(np.log10(255**2 / error)) if error else None


def ssim(image: np.ndarray, reference: np.ndarray) -> float:
    """Structural similarity (Wang et al. 2004) of (H, W) or (H, W, C) arrays with values from 0 to 255.

    As the authors' MATLAB code: a Gaussian window of 11x11 and sigma 1.5, population variances, the mean over
    the windows that lie inside the image. Raises ValueError below 11 pixels a side.
    """
    return float(
        structural_similarity(
            image.astype(np.float64),
            reference.astype(np.float64),
            data_range=255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            channel_axis=2 if image.ndim == 3 else None,
        )
    )


@dataclass
class Fidelity:
    """How near one picture is to another, added up tile by tile; values are from 0 to 255."""

    squares: float = 0
    pixels: int = 0
    similarity: float = 0
    windows: int = 0

    def add(self, image: Pixels, reference: Pixels, inner: tuple[slice, slice]) -> None:
        """A tile (H, W, C) with what SSIM's windows see around it; `inner` is the tile itself."""
        area = image[inner].shape[0] * image[inner].shape[1]
        self.squares += mse(image[inner], reference[inner]) * area
        self.pixels += area
        windows = max(0, image.shape[0] - 2 * WINDOW_REACH) * max(0, image.shape[1] - 2 * WINDOW_REACH)
        if windows:
            self.similarity += ssim(image, reference) * windows
            self.windows += windows

    @property
    def mse(self) -> float:
        return self.squares / self.pixels

    @property
    def psnr(self) -> float | None:
        """In dB; None for equal pictures."""
        return decibels(self.mse)

    @property
    def ssim(self) -> float | None:
        """None below 11 pixels a side."""
        return self.similarity / self.windows if self.windows else None


def fidelity(image: Picture, reference: Picture, on_luminance: bool, on_tile: Callable[[], None]) -> Fidelity:
    """Of two pictures of one size as they look on white: of BT.601 luminance in 8 bits, or of all channels jointly.

    Two gray pictures are compared as gray. `on_tile` is called after each tile and may end it all.
    """
    gray = image.gray and reference.gray
    whole, found = Box(0, 0, image.width, image.height), Fidelity()
    for tile in whole.split(TILE_SIDE):
        around = tile.grown(WINDOW_REACH, whole)
        seen, wanted = (values(Picture(each.pixels[around.slices]), gray) for each in (image, reference))
        if on_luminance and not gray:
            seen, wanted = quantised_luminance(seen), quantised_luminance(wanted)
        found.add(seen, wanted, tile.seen_from(around).slices)
        on_tile()
    return found


def values(picture: Picture, gray: bool) -> Pixels:
    """Colour as it looks on white, float64 (H, W, 1 or 3) from 0 to 255, of any depth."""
    color = to_float(flattened(picture).pixels).astype(np.float64) * 255
    return color if gray or not picture.gray else np.repeat(color, 3, axis=2)


def quantised_luminance(color: Pixels) -> Pixels:
    """Y of BT.601 in whole numbers, float64 (H, W, 1), of RGB (H, W, 3) from 0 to 255."""
    y = luminance(torch.from_numpy(color).permute(2, 0, 1) / 255)
    rounded: Pixels = (quantise(y) * 255).permute(1, 2, 0).numpy()
    return rounded


def luminance_score(image: Tensor, reference: Tensor, border: int, *, rounded: bool = True) -> Score:
    """Score of super-resolution: (C, H, W) images in [0, 1], on BT.601 Y, ``rounded`` to 8 bits or not.

    ``border`` pixels are shaved from each side. Raises ValueError where the shapes differ.
    """
    if image.shape[-2:] != reference.shape[-2:]:
        raise ValueError(f"cannot compare {tuple(image.shape)} with {tuple(reference.shape)}")
    y, y_reference = (luminance(each.double()) for each in (image, reference))
    if rounded:
        y, y_reference = quantise(y), quantise(y_reference)
    seen, wanted = (shave(each[0] * 255, border).numpy() for each in (y, y_reference))
    return Score(psnr(seen, wanted), ssim(seen, wanted))


def shave(image: Tensor, border: int) -> Tensor:
    """Image (..., H, W) without ``border`` pixels at each side."""
    height, width = image.shape[-2:]
    return image[..., border : height - border, border : width - border]


def quantise(image: Tensor) -> Tensor:
    """Clip an image to [0, 1] and round it to 8 bits, as a picture file does."""
    return (image.clamp(0, 1) * 255).round() / 255


def read_pictures(folder: Path) -> Iterator[tuple[str, Tensor]]:
    """Name and (C, H, W) uint8 pixels of every picture below a folder, sorted by name.

    A gray file has 1 channel, any other 3. Raises InputError where there is none.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)
    if not paths:
        raise InputError(NO_PICTURES, folder=str(folder))
    for path in paths:
        with Image.open(path) as opened:
            pixels = np.array(opened if opened.mode == "L" else opened.convert("RGB"))
        yield path.stem, torch.from_numpy(pixels).reshape(*pixels.shape[:2], -1).permute(2, 0, 1).contiguous()


def mean_score(scores: Sequence[Score]) -> Score:
    """The mean of a set's scores; its PSNR is None if one of the pictures was restored without any error."""
    ratios = [score.psnr for score in scores if score.psnr is not None]
    return Score(
        psnr=round(sum(ratios) / len(ratios), 4) if len(ratios) == len(scores) else None,
        ssim=round(sum(score.ssim for score in scores) / len(scores), 5),
    )
