"""An autoencoder of digits: plain, or variational (Kingma and Welling, "Auto-Encoding Variational Bayes", 2014)."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = 32
HIDDEN = 128
COARSE = 7
"""Side of the smallest feature maps: a quarter of a digit's."""

DIGITS = 10


class Autoencoder(nn.Module):
    """Digits (N, 1, 28, 28) in [0, 1] to codes (N, latents), and codes to the logits of digits.

    A variational one says how sure it is of a code, and its codes are spread like a standard normal. A plain one
    just gives a code; a batch norm scales its codes to mean 0 and variance 1, so that the two can be compared.
    """

    def __init__(self, latents: int, *, variational: bool) -> None:
        super().__init__()
        self.latents, self.variational = latents, variational
        self.encoder = nn.Sequential(
            nn.Conv2d(1, CHANNELS, 4, 2, 1),
            nn.SiLU(),
            nn.Conv2d(CHANNELS, 2 * CHANNELS, 4, 2, 1),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(2 * CHANNELS * COARSE**2, HIDDEN),
            nn.SiLU(),
            nn.Linear(HIDDEN, 2 * latents if variational else latents),
        )
        self.scaling = nn.Identity() if variational else nn.BatchNorm1d(latents, affine=False)
        self.decoder = nn.Sequential(
            nn.Linear(latents, HIDDEN),
            nn.SiLU(),
            nn.Linear(HIDDEN, 2 * CHANNELS * COARSE**2),
            nn.SiLU(),
            nn.Unflatten(1, (2 * CHANNELS, COARSE, COARSE)),
            nn.ConvTranspose2d(2 * CHANNELS, CHANNELS, 4, 2, 1),
            nn.SiLU(),
            nn.ConvTranspose2d(CHANNELS, 1, 4, 2, 1),
        )
        self.register_buffer("digit_codes", torch.zeros(DIGITS, latents))

    digit_codes: Tensor
    """The mean code of each digit from 0 to 9, (10, latents)."""

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance of the codes, each (N, latents); the variance of a plain one is 0."""
        code = self.encoder(images)
        if self.variational:
            mean, log_variance = code.chunk(2, dim=1)
            return mean, log_variance
        return self.scaling(code), torch.full_like(code, -torch.inf)

    def decode(self, codes: Tensor) -> Tensor:
        """The logits of the pixels, (N, 1, 28, 28)."""
        return cast(Tensor, self.decoder(codes))

    def draw(self, codes: Tensor) -> Tensor:
        """The digits of some codes, (N, 1, 28, 28) in [0, 1]."""
        return self.decode(codes).sigmoid()


def negative_elbo(network: Autoencoder, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """What an image costs in nats: the reconstruction's share and the Kullback-Leibler divergence, each (N,).

    Images (N, 1, H, W) are binary, or gray for the cross-entropy with gray. One code is drawn for each image.
    """
    mean, log_variance = network.encode(images)
    noise = torch.randn(mean.shape, generator=generator, device=mean.device)
    logits = network.decode(mean + noise * (log_variance / 2).exp())
    reconstruction = functional.binary_cross_entropy_with_logits(logits, images, reduction="none").sum(
        (1, 2, 3)
    )
    if not network.variational:
        return reconstruction, torch.zeros_like(reconstruction)
    divergence = 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum(1)
    return reconstruction, divergence


def binarised(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each pixel 1 with the probability of its gray value, else 0 (Salakhutdinov and Murray, 2008), drawn anew."""
    return torch.bernoulli(images, generator=generator)
