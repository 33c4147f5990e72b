"""PSNR and SSIM as the restoration papers measure them, and their mean over a folder of pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage.metrics import structural_similarity
from torch import Tensor

from ml.core.errors import InputError
from ml.core.resampling import luminance

PICTURE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}


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
    error = mse(image, reference)
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


def luminance_score(image: Tensor, reference: Tensor, border: int) -> Score:
    """Score of super-resolution: (C, H, W) images in [0, 1], on BT.601 Y, rounded to 8 bits.

    ``border`` pixels are shaved from each side. Raises ValueError where the shapes differ.
    """
    if image.shape[-2:] != reference.shape[-2:]:
        raise ValueError(f"cannot compare {tuple(image.shape)} with {tuple(reference.shape)}")
    y, y_reference = (
        shave(quantise(luminance(each.double()))[0] * 255, border).numpy() for each in (image, reference)
    )
    return Score(psnr(y, y_reference), ssim(y, y_reference))


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
        raise InputError(
            f"There is no picture in {folder}: give a folder of PNG, JPEG, BMP, TIFF or WebP files."
        )
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
