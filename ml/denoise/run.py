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
from ml.denoise import BLIND, DNCNN, LEARNED, SECONDS_PER_MEGAPIXEL, DenoiseParams, Single, flat
from ml.denoise.messages import DENOISING, ESTIMATING, NO_NOISE
from ml.denoise.networks import Denoiser, blindly
from ml.denoise.noise import NONE_BELOW, estimate_sigma

SIDE = 512
MOST_SIGMA = 75.0
NETWORK_REACH = 32
"""How far the network looks where it matters: beyond, it changes nothing by more than 1/255 (tests/ml/test_denoising.py)."""

NONE_REMOVED = 1.0
"""What `camera` makes of a clean photo is nearer to it, in 8-bit units (`_change`): then there was no noise."""

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

    Alpha and depth stay. The metric `sigma` is the level that the methods went by, given or found: the blind ones go by
    none. With a `reference`, `psnr` (dB, None where there is no difference) and `ssim` (None below 11 pixels a side) say
    how near all channels come to it. Where no noise is found the picture stays as it is and a label says so; what JPEG
    left is looked for all the same.
    """
    picture = inputs.picture("image")
    methods: Sequence[Single] = list(SECONDS_PER_MEGAPIXEL) if params.method == "compare" else [params.method]
    learned = [method for method in methods if method in LEARNED]
    for method in learned:
        loaded(context.device, method)
    told_one = not BLIND.issuperset(methods)
    sigma = _level(picture, params.sigma, context) if told_one else 0.0
    result = by_method(
        params.method,
        {method: partial(denoise, picture, method, sigma, strength=params.strength) for method in methods},
        SECONDS_PER_MEGAPIXEL,
        context,
        judge_of(inputs, context),
    )
    if told_one:
        result.metrics["sigma"] = round(sigma, 2)
    looked_for = params.strength > 0 and not (told_one and params.sigma is not None)
    cleaned = [image for name, image in result.images.items() if "jpeg" not in (name, params.method)]
    if looked_for and cleaned and all(image is picture for image in cleaned):
        result.labels = [Label(NO_NOISE)]
    result.weights = tuple(LEARNED[method].name for method in learned)
    result.engine = DNCNN.engine if learned else "opencv"
    return result


def _level(picture: Picture, given: float | None, context: Context) -> float:
    """The level given or else found, in 8-bit units; 0 where there is none to speak of."""
    if given is not None:
        return given
    context.advance(0, ESTIMATING)
    found = estimate_sigma(picture)
    return min(found, MOST_SIGMA) if found >= NONE_BELOW else 0.0


def denoise(
    picture: Picture, method: Single, sigma: float, context: Context, *, strength: float = 1.0
) -> Picture:
    """By one method, at a level in 8-bit units, which the blind ones do not go by.

    `strength`, from 0 to 1, is how much of the change is made. Where there is no noise it is the picture itself that
    comes back.
    """
    if strength == 0 or (sigma == 0 and method not in BLIND):
        return picture
    function: Callable[[Pixels], Pixels]
    if method in LEARNED:
        network = loaded(context.device, method)
        reach, align = NETWORK_REACH + flat.REACH, network.stride
        function = partial(by_network, told(network, method, sigma / 255), torch_device(context.device))
    else:
        network, reach, align = None, FILTERS[method].reach, 1
        function = partial(filtered, method, sigma)

    def denoise_tile(tile: Picture) -> Picture:
        color = np.ascontiguousarray(visible_color(tile))
        return Picture.join(blended(color, function(color), strength), tile.alpha)

    restored = tiled(
        picture,
        denoise_tile,
        context,
        side=SIDE,
        overlap=reach,
        align=align,
        network=network,
        note=DENOISING,
    )
    if method == "camera" and _change(picture, restored) < strength * NONE_REMOVED:
        return picture
    return restored


def _change(picture: Picture, restored: Picture) -> float:
    """Root mean square of what is different, in 8-bit units."""
    peak = np.iinfo(picture.pixels.dtype).max
    return float(255 / peak * cv2.norm(picture.pixels, restored.pixels) / picture.pixels.size**0.5)


def blended(color: Pixels, restored: Pixels, strength: float) -> Pixels:
    """Integer pixels (H, W, C) between the two: the first with a strength of 0, the second with 1."""
    if strength == 1:
        return restored
    between: Pixels = np.rint((1 - strength) * color + strength * restored).astype(color.dtype)
    return between


def filtered(method: str, sigma: float, color: Pixels) -> Pixels:
    """Pixels (H, W, 1 or 3) by a classical method."""
    single = color[:, :, 0] if color.shape[2] == 1 else color
    return FILTERS[method].function(single, sigma).reshape(color.shape)


def told(network: nn.Module, method: str, sigma: float) -> Callable[[Tensor], Tensor]:
    """A network as a function of pictures (N, 1 or 3, H, W) in [0, 1]; sigma, in the same units, is for `dncnn`.

    Flat areas keep their mean.
    """

    def restore(noisy: Tensor) -> Tensor:
        if method in BLIND:
            return flat.with_means_of(noisy, blindly(network, noisy), flat.LEFT_ALONE_CORRELATED)
        return flat.with_means_of(noisy, network(noisy, noisy.new_full((len(noisy),), sigma)))

    return restore


def by_network(restore: Callable[[Tensor], Tensor], device: torch.device, color: Pixels) -> Pixels:
    """Integer pixels (H, W, 1 or 3) by a network, all channels jointly."""
    return from_float(infer(restore, to_float(color), device, half=color.dtype == np.uint8), color.dtype)


@cache
def loaded(device: str, method: str) -> Denoiser:
    """A method's network, ready on its device; kept, since a worker runs many jobs."""
    network = Denoiser()
    load_weights(network, LEARNED[method].path())
    return ready(network, torch_device(device))
