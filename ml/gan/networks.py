"""A small generative adversarial network of faces.

The shapes are DCGAN's (Radford, Metz and Chintala, 2016) at three eighths of its width; the discriminator's layers
are held to a Lipschitz constant of 1 by spectral norm (Miyato et al., 2018).
"""

from itertools import pairwise
from typing import cast

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

SIDE = 64
"""Of a picture, in pixels."""

LATENTS = 96
WIDTHS = (24, 48, 96, 192)
"""Channels of the feature maps of 32, 16, 8 and 4 pixels a side."""

SLOPE = 0.1


class Generator(nn.Module):
    """Latents (N, 96), drawn from a standard normal, to gray faces (N, 1, 64, 64) in [0, 1]."""

    def __init__(self) -> None:
        super().__init__()
        coarse_to_fine = WIDTHS[::-1]
        layers: list[nn.Module] = [
            nn.Unflatten(1, (LATENTS, 1, 1)),
            nn.ConvTranspose2d(LATENTS, coarse_to_fine[0], 4, bias=False),
            nn.BatchNorm2d(coarse_to_fine[0]),
            nn.ReLU(),
        ]
        for inputs, outputs in pairwise(coarse_to_fine):
            layers += [
                nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
            ]
        self.layers = nn.Sequential(*layers, nn.ConvTranspose2d(coarse_to_fine[-1], 1, 4, 2, 1), nn.Sigmoid())

    def forward(self, latents: Tensor) -> Tensor:
        return cast(Tensor, self.layers(latents))


class Discriminator(nn.Module):
    """Faces (N, 1, 64, 64) in [0, 1] to how real they look, (N,): above 0 is more real than not."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise((1, *WIDTHS)):
            layers += [spectral_norm(nn.Conv2d(inputs, outputs, 4, 2, 1)), nn.LeakyReLU(SLOPE)]
        self.layers = nn.Sequential(*layers, spectral_norm(nn.Conv2d(WIDTHS[-1], 1, 4)), nn.Flatten(0))

    def forward(self, faces: Tensor) -> Tensor:
        return cast(Tensor, self.layers(2 * faces - 1))


class Adversaries(nn.Module):
    """Both, as they are trained."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = Generator()
        self.discriminator = Discriminator()
        for module in self.modules():
            if isinstance(module, nn.ConvTranspose2d):
                nn.init.normal_(module.weight, std=0.02)
