"""Noise as pictures have it that people bring, made from clean ones with a fixed seed: for measuring, and for tests.

Pixels are uint8, (H, W) or (H, W, 3); levels are standard deviations in 8-bit units.
"""

import io
from collections.abc import Callable, Mapping

import cv2
import numpy as np
from PIL import Image

from ml.core.images import Pixels

Noisy = tuple[Pixels, float]
"""A noisy picture and the level that an estimate should come to."""
Kind = Callable[[Pixels, float], Noisy]

SUBSAMPLED, WHOLE = 2, 0
"""Pillow's names of 4:2:0 and 4:4:4."""
CAMERA_QUALITY = 90
CAMERA_COLOR = 1.5
"""How much stronger than luma a camera's chroma is noisy, after the demosaic and the colour matrix."""
CAMERA_BLUR = 0.6
"""Sigma in pixels of the blur that stands for the demosaic."""
GRAY, GRAY_SLOPE = 0.214, 0.93
"""Linear light of the middle of sRGB, and how fast it grows there with the value."""
READ_NOISE = 0.2
"""The share of a camera's variance in the mean that does not depend on the light."""


def gaussian(clean: Pixels, sigma: float) -> Pixels:
    """Independent noise of each channel, rounded and clipped."""
    return _in_file(clean + np.random.default_rng(0).normal(0, sigma, clean.shape))


def poisson_gaussian(clean: Pixels, sigma: float) -> Pixels:
    """Noise whose variance grows with the value from some at black; `sigma` is the root of the mean variance."""
    variance = clean.astype(np.float64) + 20
    variance *= sigma**2 / variance.mean()
    return _in_file(clean + np.random.default_rng(0).normal(size=clean.shape) * np.sqrt(variance))


def jpeg(pixels: Pixels, quality: int, subsampling: int = SUBSAMPLED) -> Pixels:
    """As it comes out of a JPEG."""
    buffer = io.BytesIO()
    chroma = {"subsampling": subsampling} if pixels.ndim == 3 else {}
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, **chroma)
    return np.array(Image.open(buffer))


def camera(clean: Pixels, sigma: float) -> Pixels:
    """As a small sensor and its camera make it: noise of light and of reading, in linear light, blurred, chroma more.

    `sigma` is that of the noise of mid gray before it is blurred. Afterwards sRGB and JPEG 90 with 4:2:0. The model of
    noise is that of Foi et al., "Practical Poissonian-Gaussian Noise Modeling and Fitting", TIP 2008.
    """
    light = np.where(clean <= 10, clean / 255 / 12.92, ((clean / 255 + 0.055) / 1.055) ** 2.4)
    variance = (GRAY_SLOPE * sigma / 255) ** 2 * (READ_NOISE + (1 - READ_NOISE) * light / GRAY)
    noise = np.random.default_rng(0).normal(size=clean.shape) * np.sqrt(variance)
    noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), CAMERA_BLUR), np.float64)
    if clean.ndim == 3:
        luma = noise.mean(axis=2, keepdims=True)
        noise = luma + CAMERA_COLOR * (noise - luma)
    light = np.clip(light + noise, 0, 1)
    return jpeg(
        _in_file(255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)),
        CAMERA_QUALITY,
    )


def _in_file(values: Pixels) -> Pixels:
    pixels: Pixels = np.rint(np.clip(values, 0, 255)).astype(np.uint8)
    return pixels


def _through(make: Callable[[Pixels, float], Pixels]) -> Kind:
    return lambda clean, sigma: (make(clean, sigma), sigma)


def _through_jpeg(quality: int, subsampling: int) -> Kind:
    return _through(lambda clean, sigma: jpeg(gaussian(clean, sigma), quality, subsampling))


def _resized(factor: float) -> Kind:
    """Resized with its noise: what is left of it is the difference from the clean one resized alike."""
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC

    def make(clean: Pixels, sigma: float) -> Noisy:
        noisy, wanted = (
            cv2.resize(each, None, fx=factor, fy=factor, interpolation=how)
            for each in (gaussian(clean, sigma), clean)
        )
        return noisy, float(np.sqrt(np.mean((noisy.astype(np.float64) - wanted) ** 2)))

    return make


def _gray(kind: Kind) -> Kind:
    return lambda clean, sigma: kind(np.array(Image.fromarray(clean).convert("L")), sigma)


QUALITIES = (60, 75, 85, 95)
KINDS: Mapping[str, Kind] = {
    "Gaussian": _through(gaussian),
    "Poisson-Gaussian": _through(poisson_gaussian),
    **{f"JPEG {quality}, 4:4:4": _through_jpeg(quality, WHOLE) for quality in QUALITIES},
    **{f"JPEG {quality}, 4:2:0": _through_jpeg(quality, SUBSAMPLED) for quality in QUALITIES},
    "resized x0.5": _resized(0.5),
    "resized x0.75": _resized(0.75),
    "resized x1.5": _resized(1.5),
    "resized x2": _resized(2.0),
    "gray": _gray(_through(gaussian)),
    "gray, JPEG 75": _gray(_through_jpeg(75, WHOLE)),
}
"""What was done to a clean RGB picture, by name."""
