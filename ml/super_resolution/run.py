"""Enlarging, tile by tile."""

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ml.core.context import Context, Inputs, Result
from ml.core.device import infer, ready, torch_device
from ml.core.images import Picture, from_float, to_float, visible_color
from ml.core.resize import resize
from ml.core.text import _
from ml.core.tiling import tiled
from ml.core.weights import Weights
from ml.super_resolution import REAL_ESRGAN, REAL_ESRGAN_COMPACT, TILES, Method, SuperResolutionParams
from ml.super_resolution.real_esrgan import SCALE, CompactNet, RRDBNet, load_ncnn

NETWORKS: Mapping[str, tuple[Weights, Callable[[], nn.Module]]] = {
    "real-esrgan": (REAL_ESRGAN, RRDBNet),
    "real-esrgan-compact": (REAL_ESRGAN_COMPACT, CompactNet),
}


def run(inputs: Inputs, params: SuperResolutionParams, context: Context) -> Result:
    """The slot `image`, enlarged."""
    picture = inputs.picture("image")
    if params.method == "bicubic":
        width, height = picture.width * params.scale, picture.height * params.scale
        enlarged = resize(picture, width, height, "bicubic", on_strip=context.advance)
        return Result(images={"image": enlarged}, engine="pillow")
    weights, _network = NETWORKS[params.method]
    enlarged = enlarge(picture, params.method, params.scale, context)
    return Result(images={"image": enlarged}, weights=(weights.name,), engine=weights.engine)


def enlarge(picture: Picture, method: Method, scale: int, context: Context) -> Picture:
    """Colour by the network and then down from four times to `scale`; alpha by the bicubic.

    A gray picture goes through as three equal channels, whose mean comes back. The depth stays.
    """
    context.progress(0, _("Loading the network"))
    network, device = loaded(method, context.device), torch_device(context.device)

    def apply(image: Tensor) -> Tensor:
        return shrunk(network(image), scale)

    def enlarge_tile(tile: Picture) -> Picture:
        color = to_float(visible_color(tile))
        rgb = np.repeat(color, 3, axis=2) if tile.gray else color
        enlarged = infer(apply, rgb, device)
        if tile.gray:
            enlarged = enlarged.mean(axis=2, keepdims=True)
        alpha = tile.alpha
        if alpha is not None:
            alpha = resize(Picture(alpha), tile.width * scale, tile.height * scale).pixels
        return Picture.join(from_float(enlarged, tile.pixels.dtype), alpha)

    return tiled(
        picture,
        enlarge_tile,
        context,
        side=TILES[method].side,
        overlap=TILES[method].overlap,
        scale=scale,
        network=network,
        note=_("Enlarging"),
    )


def shrunk(image: Tensor, scale: int) -> Tensor:
    """From (N, C, 4H, 4W) to (N, C, scale H, scale W), antialiased.

    A tile begins at a whole input pixel, which is a whole pixel at each scale: every tile samples at one phase.
    """
    if scale == SCALE:
        return image
    size = [length * scale // SCALE for length in image.shape[-2:]]
    return functional.interpolate(image, size=size, mode="bicubic", antialias=True, align_corners=False)


@cache
def loaded(method: Method, device: str) -> nn.Module:
    """The network of a method, ready on its device; kept, since a worker runs many jobs."""
    weights, build = NETWORKS[method]
    path = weights.path()
    with torch.device("meta"):
        network = build()
    network.to_empty(device="cpu")
    load_ncnn(network, path)
    return ready(network, torch_device(device))
