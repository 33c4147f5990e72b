"""Enlarging, tile by tile."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ml.core.checkpoints import load_weights
from ml.core.context import Context, Inputs, Result
from ml.core.device import infer, ready, torch_device
from ml.core.images import Picture, from_float, to_float, visible_color
from ml.core.messages import LOADING
from ml.core.resampling import resize_bicubic, rgb_to_ycbcr, ycbcr_to_rgb
from ml.core.resize import resize
from ml.core.side_by_side import by_method, judge_of
from ml.core.tiling import tiled
from ml.core.weights import Weights
from ml.super_resolution import (
    CLEAR_REALITY,
    FSRCNN,
    LATENT_SR,
    REAL_ESRGAN,
    REAL_ESRGAN_COMPACT,
    SPAN,
    SRCNN,
    TILES,
    compared,
    networks,
    span,
)
from ml.super_resolution.flat import SMALL, with_border, with_means_of
from ml.super_resolution.messages import ENLARGING
from ml.super_resolution.ncnn import load_ncnn
from ml.super_resolution.params import Single, SuperResolutionParams, enlarged, scale_of
from ml.super_resolution.real_esrgan import CompactNet, RRDBNet

Enlarge = Callable[[Tensor], Tensor]
"""From RGB or gray (N, C, H, W) in [0, 1] to (N, C, scale H, scale W), not clipped."""

LUMINANCE: Mapping[str, tuple[Callable[[int], Weights], Callable[[int], nn.Module]]] = {
    "latent-sr": (lambda scale: LATENT_SR, lambda scale: networks.LatentSR(scales=[scale])),
    "fsrcnn": (lambda scale: FSRCNN, lambda scale: networks.FSRCNN(scales=[scale])),
    "srcnn": (SRCNN.__getitem__, lambda scale: networks.SRCNN()),
}
"""The weights and the network for a scale, of the methods that see Y only."""

COLOR: Mapping[str, Mapping[int, tuple[Weights, Callable[[], nn.Module]]]] = {
    "clear-reality": {4: (CLEAR_REALITY, lambda: span.ColorKept(span.SPAN(4), 4))},
    "span": {2: (SPAN[2], lambda: span.SPAN(2)), 4: (SPAN[4], lambda: span.SPAN(4, bare_from=48))},
    "real-esrgan": {4: (REAL_ESRGAN, RRDBNet)},
    "real-esrgan-compact": {4: (REAL_ESRGAN_COMPACT, CompactNet)},
}
"""The weights and the network of the methods that see RGB, by the scales there are networks for."""


DRIFTING = ("real-esrgan", "real-esrgan-compact")
"""The methods whose flat areas come out in another colour: they were trained to please, not to keep it."""


def run(inputs: Inputs, params: SuperResolutionParams, context: Context) -> Result:
    """The slot `image`, enlarged: as `image`, or with `compare` by each method under the method's name.

    With a `reference` the metrics `psnr` (dB, None where there is no difference) and `ssim` (None below 11 pixels a
    side) say how near the result's BT.601 luminance comes to it, as many pixels as the scale
    is shaved from each border as in papers.
    """
    picture = inputs.picture("image")
    scale = scale_of(params, picture.width, picture.height)
    methods: Sequence[Single]
    if params.method == "compare":
        methods = compared(picture.width, picture.height, scale)
    else:
        methods = [params.method]
    for method in methods:
        if method != "bicubic":
            context.advance(0, LOADING)
            enlarger(method, TILES[method].made(scale), context.device)
    result = by_method(
        params.method,
        {method: partial(enlarge, picture, method, scale) for method in methods},
        {method: TILES[method].seconds(picture.width, picture.height, scale) for method in methods},
        context,
        judge_of(inputs, context, on_luminance=True, border=round(scale)),
    )
    weights = [each for method in methods for each in weights_of(method, scale)]
    result.weights = tuple(each.name for each in weights)
    result.engine = weights[0].engine if weights else "pillow"
    return result


def weights_of(method: Single, scale: float) -> tuple[Weights, ...]:
    """What a method has learned; nothing, for the bicubic."""
    native = TILES[method].native(scale)
    if method in LUMINANCE:
        return (LUMINANCE[method][0](native),)
    return (COLOR[method][native][0],) if method in COLOR else ()


def enlarge(picture: Picture, method: Single, scale: float, context: Context) -> Picture:
    """Colour by the method, alpha by the bicubic; a gray picture stays gray, and the depth stays.

    Any scale from 1 to 8: where there is no network for it, the tiles of the one that `Tiles.native` names are resampled.
    """
    size = enlarged(picture.width, picture.height, scale)
    if method == "bicubic":
        return resize(picture, *size, "bicubic", on_strip=context.advance)
    if min(picture.width, picture.height) < SMALL:
        return with_border(picture, lambda grown: _enlarged(grown, method, scale, context), size)
    return _enlarged(picture, method, scale, context)


def _enlarged(picture: Picture, method: Single, scale: float, context: Context) -> Picture:
    """By a network; areas keep their colour."""
    context.progress(0, LOADING)
    size = enlarged(picture.width, picture.height, scale)
    tiles = TILES[method]
    made = tiles.made(scale)
    network, apply = enlarger(method, made, context.device)
    device = torch_device(context.device)

    def enlarge_tile(tile: Picture) -> Picture:
        color = infer(apply, to_float(visible_color(tile)), device, half=tile.pixels.dtype == np.uint8)
        alpha = tile.alpha
        if alpha is not None:
            alpha = resize(Picture(alpha), tile.width * made, tile.height * made).pixels
        return Picture.join(from_float(color, tile.pixels.dtype), alpha)

    made_larger = tiled(
        picture,
        enlarge_tile,
        context,
        side=tiles.side,
        overlap=tiles.overlap,
        scale=made,
        size=size,
        network=network,
        note=ENLARGING,
    )
    return with_means_of(picture, made_larger) if method in DRIFTING else made_larger


def enlarger(method: Single, scale: int, device: str) -> tuple[nn.Module, Enlarge]:
    """The network of a method, and the method as a function, at one of `SCALES`."""
    network = loaded(method, device, TILES[method].native(scale))
    if method in COLOR:
        return network, lambda image: _by_color(network, scale, image)

    def enlarge_luminance(y: Tensor) -> Tensor:
        return network(resize_bicubic(y, scale)) if method == "srcnn" else network(y, scale)

    return network, lambda image: _by_luminance(enlarge_luminance, scale, image)


def _by_color(network: nn.Module, scale: int, image: Tensor) -> Tensor:
    """A gray picture goes through as three equal channels, whose mean comes back."""
    size = [length * scale for length in image.shape[-2:]]
    enlarged = shrunk(network(image.expand(-1, 3, -1, -1)), size)
    return enlarged.mean(1, keepdim=True) if image.shape[1] == 1 else enlarged


def _by_luminance(enlarge: Enlarge, scale: int, image: Tensor) -> Tensor:
    """Y by the network, chroma by the bicubic; a gray picture is its own luminance."""
    if image.shape[1] == 1:
        return enlarge(image)
    ycbcr = rgb_to_ycbcr(image)
    chroma = functional.interpolate(ycbcr[:, 1:], scale_factor=scale, mode="bicubic", antialias=True)
    return ycbcr_to_rgb(torch.cat([enlarge(ycbcr[:, :1]), chroma], 1))


def shrunk(image: Tensor, size: Sequence[int]) -> Tensor:
    """To (N, C, *size), antialiased.

    A tile begins at a whole input pixel, which is a whole pixel at each scale: every tile samples at one phase.
    """
    if image.shape[-2:] == torch.Size(size):
        return image
    return functional.interpolate(image, size=list(size), mode="bicubic", antialias=True, align_corners=False)


@cache
def loaded(method: Single, device: str, scale: int) -> nn.Module:
    """The network of a method for one of the scales it has, ready on its device; kept, since a worker runs many jobs."""
    if method in LUMINANCE:
        weights_for, build_for = LUMINANCE[method]
        network = load_weights(build_for(scale), weights_for(scale).path())
    else:
        weights, build = COLOR[method][scale]
        path = weights.path()
        with torch.device("meta"):
            network = build()
        network.to_empty(device="cpu")
        load_ncnn(network, path)
    return ready(network, torch_device(device))
