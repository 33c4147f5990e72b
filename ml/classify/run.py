"""The categories of a photo, and the heat map of what spoke for the first one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.models import EfficientNet_B0_Weights

from ml.classify import (
    CATS_VS_DOGS,
    FEATURES,
    LITE0,
    SCRATCH,
    SCRATCH_PLAIN,
    SCRATCH_SMALL,
    ClassificationParams,
)
from ml.classify.heads import Head, read_head
from ml.classify.messages import DRAWING_HEAT_MAP, LOOKING
from ml.classify.networks import (
    CHANNELS,
    FEWER_CHANNELS,
    STRIDE,
    Lite0,
    SmallCNN,
    load_lite0,
    load_tail,
    normalised,
)
from ml.classify.wider import wider
from ml.core.checkpoints import load_weights
from ml.core.context import Context, Inputs, Label, Result
from ml.core.device import cancellable, ready, torch_device
from ml.core.images import Picture, Pixels, flattened, from_float, to_depth, to_float
from ml.core.messages import LOADING
from ml.core.text import _
from ml.core.weights import Weights

TOP = 5
IMAGENET_CROP = 224 / 256
"""Side of a view to the shorter side of the photo, as Lite0's authors evaluate: of 256 pixels the middle 224."""

CATS_AND_DOGS = (_("Cat"), _("Dog"))
MOST_VIEWS = 8
HEAT_SCALE = 12 / 7
"""Shorter side at which the heat map is made to that of a view: larger, so that it shows smaller things."""

STRIP_PIXELS = 2_000_000
Rectangle = tuple[float, float, float, float]
Network = Lite0 | SmallCNN


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """A network, its weights, and what its classes are called."""

    build: Callable[[], Network]
    weights: tuple[Weights, ...]
    titles: Callable[[], Sequence[str]]
    crop: float = 1.0
    """Side of a view to the shorter side of the photo."""
    also: Callable[[Sequence[float]], tuple[str, ...]] = lambda _shares: ()
    """From the shares of all classes, the wider terms for what is there."""


def fine_tuned() -> Lite0:
    """Lite0 with the last layers that tell cats from dogs."""
    return load_tail(load_lite0(LITE0.path()), CATS_VS_DOGS.path())


def with_head(head: Head) -> Lite0:
    """Lite0 with somebody's own classes."""
    network = load_lite0(LITE0.path())
    network.fc = nn.Linear(FEATURES, len(head.classes))
    network.fc.load_state_dict({"weight": torch.from_numpy(head.weight), "bias": torch.from_numpy(head.bias)})
    return network


def from_scratch(weights: Weights, channels: Sequence[int] = CHANNELS) -> Classifier:
    def build() -> SmallCNN:
        network = SmallCNN(channels)
        load_weights(network, weights.path())
        return network

    return Classifier(build=build, weights=(weights,), titles=lambda: CATS_AND_DOGS)


def own(head: Head) -> Classifier:
    return Classifier(build=lambda: with_head(head), weights=(LITE0,), titles=lambda: head.classes)


CLASSIFIERS: Mapping[str, Classifier] = {
    "imagenet": Classifier(
        build=lambda: load_lite0(LITE0.path()),
        weights=(LITE0,),
        titles=lambda: EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"],
        crop=IMAGENET_CROP,
        also=wider,
    ),
    "cats-vs-dogs": Classifier(
        build=fine_tuned,
        weights=(LITE0, CATS_VS_DOGS),
        titles=lambda: CATS_AND_DOGS,
    ),
    "cats-vs-dogs-scratch": from_scratch(SCRATCH),
    "cats-vs-dogs-scratch-plain": from_scratch(SCRATCH_PLAIN),
    "cats-vs-dogs-scratch-small": from_scratch(SCRATCH_SMALL, FEWER_CHANNELS),
}


def run(inputs: Inputs, params: ClassificationParams, context: Context) -> Result:
    """The slot `image` with a heat map over it, and the likeliest categories as labels."""
    picture = inputs.picture("image")
    device = torch_device(context.device)
    context.advance(0, LOADING)
    if params.method == "own":
        chosen = own(read_head(inputs["model"][0]))
        network = ready(chosen.build(), device)
    else:
        chosen, network = CLASSIFIERS[params.method], loaded(params.method, context.device)
    context.advance(0.2, LOOKING)
    image = flattened(picture)
    with cancellable(network, context), torch.inference_mode():
        shares = scores(network, image.rgb(), chosen.crop, device)
        ranked = [int(index) for index in shares.argsort(descending=True)[:TOP]]
        heat = heat_map(network, image.rgb(), ranked[0], device)
    titles = chosen.titles()
    labels = [Label(titles[index], round(float(shares[index]), 4)) for index in ranked]
    labels[0] = replace(labels[0], also=chosen.also(shares.tolist()))
    return Result(
        images={"image": overlaid(picture, heat, context)},
        labels=labels,
        weights=tuple(weights.name for weights in chosen.weights),
        engine="torch",
    )


@cache
def loaded(method: str, device: str) -> Network:
    """The network of a method, ready on its device; kept, since a worker runs many jobs."""
    return ready(CLASSIFIERS[method].build(), torch_device(device))


def scores(network: Network, rgb: Pixels, crop: float, device: torch.device) -> Tensor:
    """The probability of each class (classes,), the mean over the views of uint8 pixels (H, W, 3)."""
    height, width = rgb.shape[:2]
    image = Image.fromarray(rgb)
    total = sum(
        network(view(image, (network.SIZE, network.SIZE), box).to(device)).softmax(1)[0]
        for box in views(width, height, crop)
    )
    assert isinstance(total, Tensor)
    return (total / total.sum()).cpu()


def views(width: int, height: int, crop: float) -> list[Rectangle]:
    """Squares along the middle of the longer side, as many as it takes: one, for a square photo."""
    side = crop * min(width, height)
    count = min(MOST_VIEWS, max(1, round((max(width, height) - side) / side) + 1))
    boxes = []
    for place in range(count):
        share = place / (count - 1) if count > 1 else 0.5
        left, top = (
            (length - side) * (share if length == max(width, height) and count > 1 else 0.5)
            for length in (width, height)
        )
        boxes.append((left, top, left + side, top + side))
    return boxes


def view(image: Image.Image, size: tuple[int, int], box: Rectangle | None = None) -> Tensor:
    """A part of a picture as the network takes it, (1, 3, height, width)."""
    pixels = np.array(image.resize(size, Image.Resampling.BICUBIC, box))
    return normalised(torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255)


def heat_map(network: Network, rgb: Pixels, index: int, device: torch.device) -> Pixels:
    """How much each place speaks for a class, 0 to 1, as float32 (rows, columns).

    Grad-CAM (Selvaraju et al., 2017), which for a network that ends in a mean and one linear layer needs no
    gradient: it is the sum of the last feature maps, weighted by that layer (CAM, Zhou et al., 2016).
    """
    height, width = rgb.shape[:2]
    shorter = HEAT_SCALE * network.SIZE / STRIDE
    size = tuple(
        STRIDE * min(round(4 * shorter), max(1, round(shorter * length / min(width, height))))
        for length in (width, height)
    )
    features = network.features(view(Image.fromarray(rgb), (size[0], size[1])).to(device))[0]
    heat = torch.einsum("c,chw->hw", network.fc.weight[index], features).clamp(min=0)
    strongest = heat.max()
    return (heat / strongest if strongest > 0 else heat).float().cpu().numpy()


def overlaid(picture: Picture, heat: Pixels, context: Context) -> Picture:
    """The photo, 8 bits a channel: dim and gray where the network did not look, glowing where it did."""
    glow = cv2.applyColorMap(np.arange(256, dtype=np.uint8), cv2.COLORMAP_INFERNO)[:, 0, ::-1]
    heat = cv2.resize(
        heat, (min(picture.width, 2048), min(picture.height, 2048)), interpolation=cv2.INTER_CUBIC
    )
    strength = cv2.resize(np.clip(heat, 0, 1), (picture.width, picture.height))[:, :, None]
    rows = max(1, STRIP_PIXELS // picture.width)
    pixels = np.empty((picture.height, picture.width, 3), np.uint8)
    for top in range(0, picture.height, rows):
        strip = slice(top, top + rows)
        photo = to_float(Picture(picture.pixels[strip]).rgb())
        gray = photo.mean(axis=2, keepdims=True) * 0.55
        share = strength[strip]
        color = to_float(glow[np.rint(share[:, :, 0] * 255).astype(np.uint8)])
        seen = gray + (photo - gray) * np.minimum(1, 1.5 * share)
        pixels[strip] = from_float(seen + 0.45 * share * (color - seen * 0.5), np.uint8)
        context.advance(0.5 + 0.5 * min(1, (top + rows) / picture.height), DRAWING_HEAT_MAP)
    alpha = picture.alpha
    return Picture.join(pixels, None if alpha is None else to_depth(alpha, np.uint8))
