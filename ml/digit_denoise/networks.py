"""A convolutional denoising autoencoder (Vincent et al., 2008) of digits, with the skips of a U-Net (2015)."""

import torch
from torch import Tensor, nn

WIDTHS = (12, 32, 64)
"""Channels of the feature maps of 28, 14 and 7 pixels a side."""


class DigitDenoiser(nn.Module):
    """Noisy digits (N, 1, 28, 28) in [0, 1], light on dark, to clean ones; blind: it is not told the noise's level."""

    def __init__(self) -> None:
        super().__init__()
        fine, middle, coarse = WIDTHS
        self.first = _block(1, fine)
        self.second = _block(fine, middle, stride=2)
        self.third = nn.Sequential(_block(middle, coarse, stride=2), _block(coarse, coarse))
        self.up_to_middle = nn.ConvTranspose2d(coarse, middle, 2, 2)
        self.middle = _block(2 * middle, middle)
        self.up_to_fine = nn.ConvTranspose2d(middle, fine, 2, 2)
        self.last = nn.Sequential(_block(2 * fine, fine), nn.Conv2d(fine, 1, 3, padding=1))

    def forward(self, noisy: Tensor) -> Tensor:
        return self.logits(noisy).sigmoid()

    def logits(self, noisy: Tensor) -> Tensor:
        """Before the sigmoid, as the cross-entropy takes them."""
        fine = self.first(noisy)
        middle = self.second(fine)
        raised = self.up_to_middle(self.third(middle))
        middle = self.middle(torch.cat([middle, raised], dim=1))
        logits: Tensor = self.last(torch.cat([fine, self.up_to_fine(middle)], dim=1))
        return logits


def _block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.ReLU())


def with_noise(images: Tensor, sigma: Tensor | float, generator: torch.Generator) -> Tensor:
    """Images in [0, 1] with Gaussian noise of standard deviation `sigma`, a number or (N, 1, 1, 1), clipped."""
    noise = torch.randn(images.shape, generator=generator, device=images.device)
    return (images + sigma * noise).clamp(0, 1)
