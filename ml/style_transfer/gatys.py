"""Style transfer by optimisation (Gatys, Ecker and Bethge, 2016).

The picture is sought whose features agree with the photo's (content) and whose correlations of features agree with the
style picture's (Gram matrices). Against the paper: the picture is given by its spectrum (Olah et al., “Differentiable
Image Parameterizations”, 2018), the style has a loss on its palette, and a small copy is painted first.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ml.core.context import Context
from ml.core.device import cancellable, cancellable_backward
from ml.core.evolution import Evolution
from ml.core.images import Picture, Pixels, from_float, to_float
from ml.style_transfer.messages import STEP

COARSE = 0.5
"""Side of the copy that is painted first, to that of the result."""

COARSE_SHARE = 0.35
"""Of the steps, done on that copy."""

PALETTE_SCALES = (1, 4, 16)
"""Shrinking at which the palettes are compared: the colours of pixels, of strokes, of areas."""

# How much each loss counts where its param is 1. Content, style and palette are relative errors, so that neither size nor
# network matter much; found by looking.
CONTENT = 0.2
STYLE = 10.0
PALETTE = 3.0
VARIATION = 0.3
OUT_OF_RANGE = 10.0

HISTORY = 20
"""Steps that L-BFGS remembers."""

PREVIEW_SECONDS = 1.5

# Square root of the correlation of the channels of natural pictures (Olah et al., 2018), rows scaled to length 1 at most.
COLOR = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]]) / 0.4619


Layers = Callable[[Tensor], Iterator[Tensor]]


@dataclass(frozen=True, kw_only=True)
class Objective:
    """Where pictures are compared: a network's layers, and how much each loss counts."""

    network: nn.Module
    layers: Layers
    """From RGB (1, 3, H, W) in [0, 1] to the network's feature maps, lazily."""
    style: Sequence[int]
    """Layers whose Gram matrices are to be the style picture's."""
    content: int
    """The layer whose features are to be the photo's."""
    content_weight: float
    style_weight: float
    tv_weight: float

    def features(self, image: Tensor) -> list[Tensor]:
        return list(islice(self.layers(image), max(self.content, *self.style) + 1))


class Spectrum(nn.Module):
    """A picture (1, 3, H, W) given by its Fourier coefficients, the channels decorrelated.

    The coefficients are scaled as in natural pictures, where low frequencies are strong: so a step of the
    optimiser changes areas as readily as grain.
    """

    scale: Tensor
    color: Tensor

    def __init__(self, image: Tensor) -> None:
        super().__init__()
        self.size = image.shape[-2:]
        height, width = self.size
        down = torch.fft.fftfreq(height)[:, None]
        across = torch.fft.rfftfreq(width)[None]
        radius = (down**2 + across**2).sqrt().clamp(min=1 / max(height, width))
        scale = (height * width) ** 0.5 / radius / max(height, width) ** 0.5
        self.register_buffer("scale", scale.to(image))
        self.register_buffer("color", COLOR.to(image))
        spectrum = (
            torch.fft.rfft2(torch.einsum("ij,njhw->nihw", torch.linalg.inv(self.color), image)) / self.scale
        )
        self.coefficients = nn.Parameter(torch.view_as_real(spectrum).contiguous())

    def forward(self) -> Tensor:
        spectrum = torch.view_as_complex(self.coefficients) * self.scale
        return torch.einsum("ij,njhw->nihw", self.color, torch.fft.irfft2(spectrum, s=self.size))


def gram(features: Tensor) -> Tensor:
    """Mean products of the channels of a feature map (1, C, H, W): (C, C)."""
    flat = features[0].flatten(1)
    return flat @ flat.T / flat.shape[1]


def palette(image: Tensor) -> list[Tensor]:
    """Mean (3, 1) and covariance (3, 3) of the colours of (1, 3, H, W), at each of `PALETTE_SCALES`."""
    found = []
    for scale in PALETTE_SCALES:
        colors = (
            functional.avg_pool2d(image, scale)[0].flatten(1)
            if min(image.shape[-2:]) >= scale
            else image[0].flatten(1)
        )
        found += [colors.mean(dim=1, keepdim=True), torch.cov(colors, correction=0)]
    return found


def relative(found: Tensor, wanted: Tensor) -> Tensor:
    """Squared error to the squared size of what is wanted."""
    return (found - wanted).square().sum() / wanted.square().sum().clamp(min=1e-8)


def variation(image: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels."""
    return image.diff(dim=2).square().mean() + image.diff(dim=3).square().mean()


@dataclass(frozen=True, kw_only=True)
class Audience:
    """Who watches: the context sees the losses and at times the picture so far, the film all that came of it."""

    context: Context
    film: Evolution
    finish: Callable[[Pixels], Picture]
    """What is done to the pixels in the end, and so is done to those that are shown."""


def optimise(
    content: Pixels, style: Pixels, objective: Objective, steps: int, audience: Audience, device: torch.device
) -> Picture:
    """The photo in the style, from uint8 (H, W, 3); `steps` evaluations of the losses."""
    coarse = round(COARSE_SHARE * steps)
    image: Tensor | None = None
    done = 0
    with cancellable(objective.network, audience.context):
        for scale, budget in ((COARSE, coarse), (1.0, steps - coarse)):
            photo, painting = (_tensor(pixels, scale, device) for pixels in (content, style))
            start = (
                photo if image is None else functional.interpolate(image, photo.shape[-2:], mode="bicubic")
            )
            image = _descend(start, photo, painting, objective, _Log(audience, done, budget, steps))
            done += budget
    assert image is not None
    return audience.finish(_pixels(image))


class _Log:
    """Tells the audience after each evaluation how far it is; it is shown what is better than all before."""

    def __init__(self, audience: Audience, done: int, budget: int, steps: int) -> None:
        self.budget = budget
        self.context = audience.context
        self._audience = audience
        self._done = done
        self._steps = steps
        self._best = math.inf
        self._shown = time.monotonic()

    def __call__(self, image: Tensor, losses: Mapping[str, Tensor], total: float) -> None:
        self._done += 1
        self.context.advance(
            min(1, self._done / self._steps),
            STEP(step=min(self._done, self._steps), steps=self._steps),
        )
        for name, loss in losses.items():
            self.context.series(name, self._done, float(loss.detach()))
        if total >= self._best:
            return
        self._best = total
        picture = self._audience.finish(_pixels(image.detach()))
        self._audience.film.add(picture)
        if time.monotonic() - self._shown >= PREVIEW_SECONDS:
            self.context.preview(picture)
            self._shown = time.monotonic()


def _descend(start: Tensor, photo: Tensor, painting: Tensor, objective: Objective, log: _Log) -> Tensor:
    with torch.no_grad():
        wanted = objective.features(photo)[objective.content]
        seen = objective.features(painting)
        grams = {layer: gram(seen[layer]) for layer in objective.style}
        colors = palette(painting)
    spectrum = Spectrum(start)
    optimiser = torch.optim.LBFGS(
        spectrum.parameters(),
        max_iter=log.budget,
        max_eval=log.budget,
        history_size=HISTORY,
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def evaluate() -> Tensor:
        optimiser.zero_grad()
        image = spectrum()
        features = objective.features(image)
        cancellable_backward(features, log.context)
        style = torch.stack(
            [relative(gram(features[layer]), grams[layer]) for layer in objective.style]
        ).mean()
        tints = torch.stack([relative(*pair) for pair in zip(palette(image), colors, strict=True)]).mean()
        losses = {
            "content": CONTENT * objective.content_weight * relative(features[objective.content], wanted),
            "style": STYLE * objective.style_weight * style,
            "palette": PALETTE * objective.style_weight * tints,
            "total_variation": VARIATION * objective.tv_weight * variation(image),
        }
        total = sum(losses.values(), OUT_OF_RANGE * (image - image.clamp(0, 1)).square().mean())
        total.backward()
        log(image, losses, float(total.detach()))
        return total.detach()

    optimiser.step(evaluate)
    with torch.no_grad():
        return spectrum().clamp(0, 1)


def _tensor(pixels: Pixels, scale: float, device: torch.device) -> Tensor:
    image = torch.from_numpy(to_float(pixels)).permute(2, 0, 1)[None].to(device)
    if scale == 1:
        return image
    size = [max(1, round(length * scale)) for length in image.shape[-2:]]
    return functional.interpolate(image, size, mode="bicubic", antialias=True).clamp(0, 1)


def _pixels(image: Tensor) -> Pixels:
    return from_float(image[0].permute(1, 2, 0).cpu().numpy(), np.uint8)
