"""Small generative adversarial networks: of faces, and of digits that one may ask for.

The shapes are DCGAN's (Radford, Metz and Chintala, 2016) at three eighths of its width, that of the discriminator of faces
at half of it. A discriminator's layers, all but the last, are held to a Lipschitz constant of 1 by spectral norm (Miyato
et al., 2018). Where there are classes, it is told of them by projection (Miyato and Koyama, “cGANs with Projection
Discriminator”, 2018).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from ml.gan_sample import Method

SLOPE = 0.1


@dataclass(frozen=True)
class Shape:
    """Of both networks."""

    latents: int
    widths: tuple[int, ...]
    """Channels of the generator's feature maps, from half the picture's side to its smallest."""
    judging: tuple[int, ...]
    """The same of the discriminator."""
    coarse: int
    """Side of the smallest feature map."""
    classes: int = 0

    @property
    def side(self) -> int:
        """Of a picture, in pixels."""
        return self.coarse * 2 ** len(self.widths)


SHAPES: Mapping[Method, Shape] = {
    "faces": Shape(latents=96, widths=(24, 48, 96, 192), judging=(32, 64, 128, 256), coarse=4),
    "digits": Shape(latents=32, widths=(32, 64), judging=(32, 64), coarse=7, classes=10),
}


class Generator(nn.Module):
    """Codes (N, latents + classes) to gray pictures (N, 1, side, side) in [0, 1].

    A code is latents, drawn from a standard normal, and the class as `one_hot` gives it.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        inputs = shape.latents + shape.classes
        coarse_to_fine = shape.widths[::-1]
        layers: list[nn.Module] = [
            nn.Unflatten(1, (inputs, 1, 1)),
            nn.ConvTranspose2d(inputs, coarse_to_fine[0], shape.coarse, bias=False),
            nn.BatchNorm2d(coarse_to_fine[0]),
            nn.ReLU(),
        ]
        for wide, narrow in pairwise(coarse_to_fine):
            layers += [
                nn.ConvTranspose2d(wide, narrow, 4, 2, 1, bias=False),
                nn.BatchNorm2d(narrow),
                nn.ReLU(),
            ]
        self.shape = shape
        self.layers = nn.Sequential(*layers, nn.ConvTranspose2d(coarse_to_fine[-1], 1, 4, 2, 1), nn.Sigmoid())

    def forward(self, codes: Tensor) -> Tensor:
        return cast(Tensor, self.layers(codes))


class Discriminator(nn.Module):
    """Pictures (N, 1, side, side) in [0, 1] and their classes as `one_hot` gives them to how real they look, (N,).

    Above 0 is more real than not.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise((1, *shape.judging)):
            layers += [spectral_norm(nn.Conv2d(inputs, outputs, 4, 2, 1)), nn.LeakyReLU(SLOPE)]
        self.layers = nn.Sequential(*layers)
        self.judge = nn.Conv2d(shape.judging[-1], 1 + shape.classes, shape.coarse)

    def forward(self, pictures: Tensor, classes: Tensor) -> Tensor:
        scores = self.judge(self.layers(2 * pictures - 1))[:, :, 0, 0]
        return cast(Tensor, scores[:, 0] + (scores[:, 1:] * classes).sum(1))


class Adversaries(nn.Module):
    """Both, as they are trained."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.generator = Generator(shape)
        self.discriminator = Discriminator(shape)
        for module in self.modules():
            if isinstance(module, nn.ConvTranspose2d):
                nn.init.normal_(module.weight, std=0.02)


def one_hot(classes: Tensor, shape: Shape) -> Tensor:
    """Classes (N,) as rows of zeros and a one, (N, classes); of no columns where the shape has no classes."""
    if not shape.classes:
        return torch.zeros(len(classes), 0, device=classes.device)
    return functional.one_hot(classes, shape.classes).float()
