"""DeepDream (Mordvintsev, Olah and Tyka, 2015): change a photo so that layers of a network answer it more strongly."""

from collections.abc import Mapping
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torchvision.transforms.functional import gaussian_blur

from ml.classify import LITE0
from ml.classify.networks import STRIDE, Lite0, load_lite0, normalised
from ml.core.context import Context, Inputs, Result, ResultFile
from ml.core.device import cancellable, cancellable_backward, ready, torch_device
from ml.core.evolution import Evolution
from ml.core.formats import FORMATS
from ml.core.images import Picture, Pixels, from_float, to_float, visible_color
from ml.core.messages import LOADING
from ml.core.resize import resize
from ml.deep_dream import DeepDreamParams, Pattern, dream_size, steps
from ml.deep_dream.messages import LAYING, OCTAVE

LAYERS: Mapping[Pattern, int] = {"waves": 2, "arches": 5, "eyes": 8, "animals": 10, "ornament": 13}
"""Which of Lite0's expansions dreams what; found by looking."""

OCTAVE_SCALE = 1.4
STEP = 0.014
"""Of the picture's range, for each step: the mean change of a pixel is about that much."""

JITTER = 16
"""Pixels by which the picture is shifted at random before each step, so that the network's grid does not show."""

BLURS = (1.0, 2.5)
"""Sigmas, in pixels, of the copies of the gradient that are added to it: they let larger forms grow."""

GUIDE_SIDE = 224
SMALLEST_SIDE = 2 * STRIDE
STRIP_PIXELS = 2_000_000

# Channels of natural pictures, decorrelated (Olah et al., “Feature Visualization”, 2017): its rows are R, G and B.
COLOR = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])


def run(inputs: Inputs, params: DeepDreamParams, context: Context) -> Result:
    """The slot `image` with a dream laid over it, in its own size and depth, with its alpha."""
    picture = inputs.picture("image")
    context.advance(0, LOADING)
    network, device = loaded(context.device), torch_device(context.device)
    color = visible_color(picture)
    width, height = dream_size(picture.width, picture.height, params.size)
    photo = _tensor(resize(Picture(color), width, height, "lanczos"), device)
    place = context.scratch / "evolution.mp4"
    with (
        cancellable(network, context),
        Evolution(place, width, height, params.octaves * steps(params)) as film,
    ):
        guide = _guide(inputs, network, params, device)
        detail = dream(network, photo, guide, params, context, film)
    return Result(
        images={"image": laid_over(picture, color, detail, context)},
        files={"evolution": ResultFile(place, FORMATS["mp4"])},
        weights=(LITE0.name,),
        engine="torch",
    )


@cache
def loaded(device: str) -> Lite0:
    """The network, ready on its device; kept, since a worker runs many jobs."""
    return ready(load_lite0(LITE0.path()), torch_device(device))


def dream(
    network: Lite0,
    photo: Tensor,
    guide: dict[int, Tensor],
    params: DeepDreamParams,
    context: Context,
    film: Evolution,
) -> Tensor:
    """What to add to a photo (1, 3, H, W) in [0, 1]; from the smallest octave, where large forms grow, to the full size.

    The series is how strongly the layers answer; each step is a state of the film, and the preview comes after each
    octave.
    """
    small = functional.interpolate(photo, film.size[::-1], mode="bilinear", antialias=True)
    weights, color = layer_weights(params), color_matrix(params.color).to(photo)
    count = steps(params)
    pixels = [0.51**octave for octave in reversed(range(params.octaves))]
    detail = torch.zeros_like(photo)
    for octave, share in enumerate(pixels):
        size = _octave_size(photo, OCTAVE_SCALE ** (params.octaves - 1 - octave))
        base = functional.interpolate(photo, size, mode="bicubic", antialias=True).clamp(0, 1)
        image = (base + functional.interpolate(detail, size, mode="bicubic", antialias=True)).clamp(0, 1)
        for step in range(count):
            note = OCTAVE(octave=octave + 1, octaves=params.octaves)
            context.advance((sum(pixels[:octave]) + share * step / count) / sum(pixels), note)
            shift = torch.randint(-JITTER, JITTER + 1, (2,), generator=context.generator).tolist()
            answer, gradient = _ascent(network, image.roll(shift, (2, 3)), weights, guide, context)
            gradient = smoothed(torch.einsum("ij,njhw->nihw", color, gradient))
            image = (image + STEP * gradient.roll([-shift[0], -shift[1]], (2, 3))).clamp(0, 1)
            context.series("answer", octave * count + step + 1, answer)
            film.add(_dreamed(small, image - base))
        detail = image - base
        context.preview(_dreamed(photo, detail))
    return functional.interpolate(detail, photo.shape[-2:], mode="bicubic", antialias=True)


def layer_weights(params: DeepDreamParams) -> dict[int, float]:
    """How much each expansion counts."""
    share = params.share if params.second else 0.0
    weights = {LAYERS[params.pattern]: 1 - share}
    if params.second:
        second = LAYERS[params.second]
        weights[second] = weights.get(second, 0.0) + share
    return {layer: weight for layer, weight in weights.items() if weight > 0}


def color_matrix(amount: float) -> Tensor:
    """What a gradient is multiplied by (3, 3): nothing at amount 1, the covariance of natural colours at 0.

    With the covariance a step changes brightness far more than hue, as nature does.
    """
    values, vectors = torch.linalg.eigh(COLOR @ COLOR.T)
    matrix = (vectors * values ** (1 - amount)) @ vectors.T
    return matrix * 3 / matrix.diagonal().sum()


def smoothed(gradient: Tensor) -> Tensor:
    """The mean of a gradient (1, 3, H, W) and of blurred copies, each first brought to a standard deviation of 1."""
    copies = [gradient]
    for sigma in BLURS:
        side = 2 * round(3 * sigma) + 1
        copies.append(gaussian_blur(gradient, [side, side], [sigma, sigma]))
    return torch.stack([copy / (copy.std() + 1e-12) for copy in copies]).mean(dim=0)


def laid_over(picture: Picture, color: Pixels, detail: Tensor, context: Context) -> Picture:
    """The photo, in all its pixels, and the dream enlarged to it."""
    stored = from_float(detail[0].permute(1, 2, 0).cpu().numpy() / 2 + 0.5, np.uint16)
    enlarged = resize(Picture(stored), picture.width, picture.height).pixels
    pixels = np.empty((picture.height, picture.width, 3), picture.pixels.dtype)
    rows = max(1, STRIP_PIXELS // picture.width)
    for top in range(0, picture.height, rows):
        strip = slice(top, top + rows)
        pixels[strip] = from_float(to_float(color[strip]) + 2 * to_float(enlarged[strip]) - 1, pixels.dtype)
        context.advance(1, LAYING)
    return Picture.join(pixels, picture.alpha)


def _ascent(
    network: Lite0, image: Tensor, weights: dict[int, float], guide: dict[int, Tensor], context: Context
) -> tuple[float, Tensor]:
    """How strongly the layers answer, and the gradient of that by the picture."""
    image = image.detach().requires_grad_()
    expansions = _expansions(network, image, max(weights))
    cancellable_backward(expansions.values(), context)
    answers = {layer: functional.relu(expansions[layer]) for layer in weights}
    total = sum(
        (weight * _answer(answers[layer], guide.get(layer)) for layer, weight in weights.items()),
        torch.zeros((), device=image.device),
    )
    (gradient,) = torch.autograd.grad(total, image)
    return float(total.detach()), gradient


def _answer(features: Tensor, guide: Tensor | None) -> Tensor:
    """Mean square of the features; with a guide, the product of each place with the place of the guide it is most like."""
    if guide is None:
        return features.square().mean()
    flat = features[0].flatten(1)
    with torch.no_grad():
        nearest = guide[:, (guide.T @ flat).argmax(dim=0)]
    return (flat * nearest).mean()


def _guide(
    inputs: Inputs, network: Lite0, params: DeepDreamParams, device: torch.device
) -> dict[int, Tensor]:
    """Features (C, places) of the guide picture by layer; none without one."""
    found = {}
    for picture in inputs.pictures("guide"):
        small = picture.thumbnail(GUIDE_SIDE)
        image = _tensor(small, device)
        image = functional.interpolate(image, _octave_size(image, 1), mode="bicubic", antialias=True).clamp(
            0, 1
        )
        with torch.no_grad():
            features = _expansions(network, image, max(layer_weights(params)))
        found = {layer: functional.relu(features[layer])[0].flatten(1) for layer in layer_weights(params)}
    return found


def _expansions(network: Lite0, image: Tensor, last: int) -> dict[int, Tensor]:
    found = {}
    for layer, features in enumerate(network.expansions(normalised(image))):
        found[layer] = features
        if layer == last:
            break
    return found


def _octave_size(image: Tensor, scale: float) -> list[int]:
    return [max(SMALLEST_SIDE, STRIDE * round(length / scale / STRIDE)) for length in image.shape[-2:]]


def _tensor(picture: Picture, device: torch.device) -> Tensor:
    return torch.from_numpy(to_float(picture.rgb())).permute(2, 0, 1)[None].to(device)


def _dreamed(photo: Tensor, detail: Tensor) -> Picture:
    """A photo (1, 3, H, W) with the detail of any size in it."""
    image = photo + functional.interpolate(detail, photo.shape[-2:], mode="bilinear", antialias=True)
    return Picture(from_float(image[0].permute(1, 2, 0).cpu().numpy(), np.uint8))
