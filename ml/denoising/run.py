"""Denoising, tile by tile, so that it can be stopped and watched; every tile sees all that its pixels depend on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from ml.core.context import Context, Inputs, Result
from ml.core.images import Picture, Pixels, from_float, to_float, visible_color
from ml.core.text import _
from ml.core.tiling import tiled
from ml.denoising import DenoiseParams
from ml.denoising.noise import estimate_sigma

SIDE = 512

PATCH_SIDE, SEARCH_SIDE = 3, 21
NLM_STRENGTH = ((0, 15, 25, 50, 75), (0, 14.25, 22.5, 45, 67.5))
"""Sigma to OpenCV's `h`, both in 8-bit units; measured."""
ABSOLUTE_DIFFERENCES = 0.637
"""A mean absolute difference of noise is 2/sqrt(pi) sigma, a root mean squared one sqrt(2) sigma: the square of the ratio."""

BLUR = ((0, 5, 10, 15, 25, 50, 75), (0.3, 0.4, 0.5, 0.6, 0.8, 1.2, 1.6))
"""Sigma to the blur's radius, in pixels, of the highest PSNR on pictures of BSDS500's training set."""
WIDER_MEDIAN_FROM = 35
BILATERAL_COLOR, BILATERAL_SPACE = 3.5, 2.5
"""The same for the bilateral filter: its colour radius in units of sigma, its reach in pixels."""


def gaussian(color: Pixels, sigma: float) -> Pixels:
    """A blur whose radius suits the noise."""
    return cv2.GaussianBlur(color, (0, 0), float(np.interp(sigma, *BLUR)))


def median(color: Pixels, sigma: float) -> Pixels:
    """The median of 3x3 or, for strong noise, 5x5 pixels in each channel."""
    return cv2.medianBlur(color, 5 if sigma >= WIDER_MEDIAN_FROM else 3)


def bilateral(color: Pixels, sigma: float) -> Pixels:
    """Tomasi and Manduchi, "Bilateral Filtering for Gray and Color Images", ICCV 1998."""
    filtered = cv2.bilateralFilter(to_float(color), 0, BILATERAL_COLOR * sigma / 255, BILATERAL_SPACE)
    return from_float(filtered, color.dtype)


def nlm(color: Pixels, sigma: float) -> Pixels:
    """Buades, Coll and Morel, "A Non-Local Algorithm for Image Denoising", CVPR 2005, on all channels jointly.

    OpenCV compares 16-bit patches by absolute differences only, which asks for another strength.
    """
    strength = float(np.interp(sigma, *NLM_STRENGTH))
    norm = cv2.NORM_L2
    if color.dtype == np.uint16:
        channels = 1 if color.ndim == 2 else color.shape[2]
        strength *= 257 * (ABSOLUTE_DIFFERENCES * channels) ** 0.5
        norm = cv2.NORM_L1
    return cv2.fastNlMeansDenoising(
        color, h=[strength], templateWindowSize=PATCH_SIDE, searchWindowSize=SEARCH_SIDE, normType=norm
    )


@dataclass(frozen=True)
class Filter:
    """`function(color, sigma)` of pixels (H, W) or (H, W, 3), and how far around a pixel it looks."""

    function: Callable[[Pixels, float], Pixels]
    reach: int


FILTERS: Mapping[str, Filter] = {
    "gaussian": Filter(gaussian, reach=8),
    "median": Filter(median, reach=2),
    "bilateral": Filter(bilateral, reach=4),
    "nlm": Filter(nlm, reach=SEARCH_SIDE // 2 + PATCH_SIDE // 2),
}


def run(inputs: Inputs, params: DenoiseParams, context: Context) -> Result:
    """The slot `image` without its noise; alpha and depth stay. The metric `sigma` is the level it went by."""
    picture = inputs.picture("image")
    sigma = params.sigma
    if sigma is None:
        context.advance(0, _("Estimating the noise"))
        sigma = min(estimate_sigma(picture), 75.0)
    chosen = FILTERS[params.method]

    def denoise_tile(tile: Picture) -> Picture:
        color = np.ascontiguousarray(visible_color(tile))
        filtered = chosen.function(color[:, :, 0] if tile.gray else color, sigma)
        return Picture.join(filtered.reshape(color.shape), tile.alpha)

    if sigma > 0:
        picture = tiled(picture, denoise_tile, context, side=SIDE, overlap=chosen.reach, note=_("Denoising"))
    return Result(images={"image": picture}, metrics={"sigma": round(sigma, 2)}, engine="opencv")
