"""Denoising, tile by tile, so that it can be stopped and watched; every tile sees all that its pixels depend on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from ml.core.checkpoints import load_weights
from ml.core.context import Context, Inputs, Label, Result
from ml.core.device import infer, ready, torch_device
from ml.core.images import Picture, Pixels, from_float, to_float, visible_color
from ml.core.side_by_side import by_method, judge_of
from ml.core.tiling import tiled
from ml.denoise import DNCNN, SECONDS_PER_MEGAPIXEL, DenoiseParams, Single, flat
from ml.denoise.messages import DENOISING, ESTIMATING, NO_NOISE
from ml.denoise.networks import Denoiser
from ml.denoise.noise import NONE_BELOW, estimate_sigma

SIDE = 512
MOST_SIGMA = 75.0
NETWORK_REACH = 32
"""How far the network looks where it matters: beyond, it changes nothing by more than 1/255 (tests/ml/test_denoising.py)."""

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
    if color.dtype != np.float32:
        return from_float(bilateral(to_float(color), sigma), color.dtype)
    return cv2.bilateralFilter(color, 0, BILATERAL_COLOR * sigma / 255, BILATERAL_SPACE)


def nlm(color: Pixels, sigma: float) -> Pixels:
    """Buades, Coll and Morel, "A Non-Local Algorithm for Image Denoising", CVPR 2005, on all channels jointly.

    OpenCV compares 16-bit patches by absolute differences only, which asks for another strength, and floats not
    at all: they are rounded to 8 bits.
    """
    if color.dtype == np.float32:
        return to_float(nlm(from_float(color, np.uint8), sigma))
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
    """`function(color, sigma)` and how far around a pixel it looks.

    The pixels are (H, W) or (H, W, 3), of 8 or 16 bits or floats from 0 to 1; sigma is in 8-bit units.
    """

    function: Callable[[Pixels, float], Pixels]
    reach: int


FILTERS: Mapping[str, Filter] = {
    "gaussian": Filter(gaussian, reach=8),
    "median": Filter(median, reach=2),
    "bilateral": Filter(bilateral, reach=4),
    "nlm": Filter(nlm, reach=SEARCH_SIDE // 2 + PATCH_SIDE // 2),
}


def run(inputs: Inputs, params: DenoiseParams, context: Context) -> Result:
    """The slot `image` without its noise: as `image`, or with `compare` by each method under the method's name.

    Alpha and depth stay. The metric `sigma` is the level it went by; with a `reference`, `psnr` (dB, None where there
    is no difference) and `ssim` (None below 11 pixels a side) say how near all channels come to it. Where the level is
    left out and no noise is found, the picture stays as it is and a label says so.
    """
    picture = inputs.picture("image")
    sigma, labels = params.sigma, []
    if sigma is None:
        context.advance(0, ESTIMATING)
        sigma = min(estimate_sigma(picture), MOST_SIGMA)
        if sigma < NONE_BELOW:
            sigma, labels = 0.0, [Label(NO_NOISE)]
    methods: Sequence[Single] = list(SECONDS_PER_MEGAPIXEL)
    if params.method == "compare":
        loaded(context.device)
    else:
        methods = [params.method]
    result = by_method(
        params.method,
        {method: partial(denoise, picture, method, sigma) for method in methods},
        SECONDS_PER_MEGAPIXEL,
        context,
        judge_of(inputs, context),
    )
    learned = "dncnn" in methods
    result.metrics["sigma"] = round(sigma, 2)
    result.labels = labels
    result.weights = (DNCNN.name,) if learned else ()
    result.engine = DNCNN.engine if learned else "opencv"
    return result


def denoise(picture: Picture, method: Single, sigma: float, context: Context) -> Picture:
    """By one method, at a level in 8-bit units; no noise means no change."""
    if sigma == 0:
        return picture
    function: Callable[[Pixels], Pixels]
    if method == "dncnn":
        network, align = loaded(context.device), loaded(context.device).stride
        reach = NETWORK_REACH + flat.REACH
        function = partial(dncnn, network, sigma, torch_device(context.device))
    else:
        network, reach, align = None, FILTERS[method].reach, 1
        function = partial(filtered, method, sigma)

    def denoise_tile(tile: Picture) -> Picture:
        return Picture.join(function(np.ascontiguousarray(visible_color(tile))), tile.alpha)

    return tiled(
        picture,
        denoise_tile,
        context,
        side=SIDE,
        overlap=reach,
        align=align,
        network=network,
        note=DENOISING,
    )


def filtered(method: str, sigma: float, color: Pixels) -> Pixels:
    """Pixels (H, W, 1 or 3) by a classical method."""
    single = color[:, :, 0] if color.shape[2] == 1 else color
    return FILTERS[method].function(single, sigma).reshape(color.shape)


def dncnn(network: nn.Module, sigma: float, device: torch.device, color: Pixels) -> Pixels:
    """Integer pixels (H, W, 1 or 3) by the network, all channels jointly; flat areas keep their mean."""

    def apply(image: Tensor) -> Tensor:
        return flat.with_means_of(image, network(image, image.new_tensor([sigma / 255])))

    return from_float(infer(apply, to_float(color), device, half=color.dtype == np.uint8), color.dtype)


@cache
def loaded(device: str) -> Denoiser:
    """The network, ready on its device; kept, since a worker runs many jobs."""
    network = Denoiser()
    load_weights(network, DNCNN.path())
    return ready(network, torch_device(device))
