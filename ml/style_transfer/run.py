"""Painting a photo in another picture's style."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import vgg19

from ml.classify import LITE0
from ml.classify.networks import STRIDE, load_lite0, normalised
from ml.core.context import Context, Inputs, Result, ResultFile
from ml.core.device import ready, torch_device
from ml.core.evolution import Evolution
from ml.core.formats import FORMATS
from ml.core.images import Picture, Pixels, from_float, to_depth, to_float, visible_color
from ml.core.messages import LOADING
from ml.core.reading import read_picture
from ml.core.resize import resize
from ml.style_transfer import (
    ARBITRARY_PREDICT,
    ARBITRARY_TRANSFORM,
    DEFAULT_SIZE,
    FOLDER,
    MULTISTYLE,
    STYLES,
    VGG19,
    Features,
    Method,
    StyleTransferParams,
    method_used,
    working_size,
)
from ml.style_transfer.feedforward import paint, style_vector
from ml.style_transfer.gatys import Audience, Layers, Objective, optimise
from ml.style_transfer.messages import PAINTING
from ml.style_transfer.networks import ArbitraryStyle, MultiStyle

Painter = Callable[[Picture, Picture, Path, Context], Picture]
"""From a photo and a style picture to the photo painted, of the photo's size; may leave a film of how at the path."""

VGG_MEAN, VGG_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
VGG_LAYERS = (1, 6, 11, 20, 22, 29)
"""relu1_1, relu2_1, relu3_1, relu4_1, relu4_2 and relu5_1 in torchvision's numbering."""


def run(inputs: Inputs, params: StyleTransferParams, context: Context) -> Result:
    """The slot `image` in the style asked for; gray comes back in colour, alpha as it was, at 8 bits a channel."""
    picture = inputs.picture("image")
    method = method_used(params, bool(inputs["style"]))
    size = params.size or DEFAULT_SIZE[method]
    photo = resize(picture, *working_size(picture.width, picture.height, size), "lanczos")
    device = torch_device(context.device)
    context.advance(0, LOADING)
    if method == "fast":
        network = multistyle(context.device)
        network.choose(list(STYLES).index(params.look))
        painted = paint(network, rgb(photo), context, device, PAINTING)
        images = {"image": finished(_mixed(rgb(photo), painted, params.strength), photo, params)}
        return Result(images=images, weights=(MULTISTYLE.name,), engine="torch")
    given = inputs.pictures("style") or [read_picture(FOLDER / "paintings" / f"{params.painting}.webp")]
    style = resize(given[0], *working_size(given[0].width, given[0].height, size), "lanczos")
    painter = arbitrary(params, device) if method == "arbitrary" else gatys(params, device)
    pairs = {"": (photo, style)} | ({"-swapped": (style, photo)} if params.swap else {})
    result = Result(weights=weights_used(method, params.features), engine="torch")
    for name, (content, look) in pairs.items():
        film = context.scratch / f"evolution{name}.mp4"
        result.images[name.removeprefix("-") or "image"] = painter(content, look, film, context)
        if film.is_file():
            result.files[film.stem] = ResultFile(film, FORMATS["mp4"])
    return result


def weights_used(method: Method, features: Features) -> tuple[str, ...]:
    """Names of the weights that a style picture goes through."""
    if method == "arbitrary":
        return ARBITRARY_PREDICT.name, ARBITRARY_TRANSFORM.name
    return (VGG19.name if features == "vgg19" else LITE0.name,)


def rgb(picture: Picture) -> Pixels:
    """Its colour, (H, W, 3) and uint8, with nothing black where it is transparent."""
    return Picture(visible_color(picture)).rgb()


def finished(painted: Pixels, photo: Picture, params: StyleTransferParams) -> Picture:
    """With the photo's colours where they are to be kept, and with its alpha."""
    if params.keep_colors:
        luma = cv2.cvtColor(to_float(painted), cv2.COLOR_RGB2YCrCb)[:, :, :1]
        chroma = cv2.cvtColor(to_float(rgb(photo)), cv2.COLOR_RGB2YCrCb)[:, :, 1:]
        painted = from_float(
            cv2.cvtColor(np.concatenate([luma, chroma], axis=2), cv2.COLOR_YCrCb2RGB), np.uint8
        )
    alpha = photo.alpha
    return Picture.join(painted, None if alpha is None else to_depth(alpha, np.uint8))


def arbitrary(params: StyleTransferParams, device: torch.device) -> Painter:
    """By the network that paints in any style; the strength lies between the photo's own style and the other."""
    network, session = any_style(device.type), style_network()

    def painter(photo: Picture, style: Picture, _film: Path, context: Context) -> Picture:
        own, other = style_vector(session, rgb(photo)), style_vector(session, rgb(style))
        network.choose(own + params.strength * (other - own))
        return finished(paint(network, rgb(photo), context, device, PAINTING), photo, params)

    return painter


def gatys(params: StyleTransferParams, device: torch.device) -> Painter:
    """By optimisation in the features of Lite0 (its first nine expansions, the content in the fourth) or VGG19."""
    build = vgg19_objective if params.features == "vgg19" else lite0_objective
    objective = build(params, device)

    def painter(photo: Picture, style: Picture, film: Path, context: Context) -> Picture:
        def finish(painted: Pixels) -> Picture:
            height, width = painted.shape[:2]  # of a smaller copy, at first
            small = width < photo.width or height < photo.height
            return finished(painted, resize(photo, width, height) if small else photo, params)

        with Evolution(film, photo.width, photo.height, params.steps) as evolution:
            audience = Audience(context=context, film=evolution, finish=finish)
            return optimise(rgb(photo), rgb(style), objective, params.steps, audience, device)

    return painter


def lite0_objective(params: StyleTransferParams, device: torch.device) -> Objective:
    network = ready(load_lite0(LITE0.path()), device)

    def layers(image: Tensor) -> Iterator[Tensor]:
        height, width = image.shape[-2:]
        padded = functional.pad(image, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
        return (functional.relu6(expanded) for expanded in network.expansions(normalised(padded)))

    return _objective(params, network, layers, style=range(9), content=3)


def vgg19_objective(params: StyleTransferParams, device: torch.device) -> Objective:
    checkpoint = torch.load(VGG19.path(), map_location="cpu", mmap=True, weights_only=True)
    with torch.device("meta"):
        network = vgg19().features[: VGG_LAYERS[-1] + 1]
    network.load_state_dict(
        {name: checkpoint[f"features.{name}"].clone() for name in network.state_dict()}, assign=True
    )
    network = ready(network, device)
    mean, deviation = (
        torch.tensor(values, device=device)[:, None, None] for values in (VGG_MEAN, VGG_DEVIATION)
    )

    def layers(image: Tensor) -> Iterator[Tensor]:
        features = (image - mean) / deviation
        for index, layer in enumerate(network):
            features = layer(features)
            if index in VGG_LAYERS:
                yield features

    return _objective(params, network, layers, style=(0, 1, 2, 3, 5), content=4)


@cache
def multistyle(device: str) -> MultiStyle:
    return ready(MultiStyle(MULTISTYLE.path()), torch_device(device))


@cache
def any_style(device: str) -> ArbitraryStyle:
    return ready(ArbitraryStyle(ARBITRARY_TRANSFORM.path()), torch_device(device))


@cache
def style_network() -> onnxruntime.InferenceSession:
    """The network that reads a style."""
    return onnxruntime.InferenceSession(ARBITRARY_PREDICT.path(), providers=["CPUExecutionProvider"])


def _objective(
    params: StyleTransferParams, network: nn.Module, layers: Layers, style: Sequence[int], content: int
) -> Objective:
    return Objective(
        network=network,
        layers=layers,
        style=style,
        content=content,
        content_weight=params.content_weight,
        style_weight=params.style_weight,
        tv_weight=params.tv_weight,
    )


def _mixed(photo: Pixels, painted: Pixels, strength: float) -> Pixels:
    return cv2.addWeighted(painted, strength, photo, 1 - strength, 0)
