"""The denoiser: one network for colour and gray pictures and for all levels of noise."""

from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

BLIND_LEVEL = 15 / 255
"""What a blind network is told of every picture. Told this, the one that is not blind is a start for it."""


class Residual(nn.Module):
    """Two 3x3 convolutions around a ReLU, added to their input; no normalisation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        with torch.no_grad():
            self.second.weight *= 0.1

    def forward(self, features: Tensor) -> Tensor:
        # In place, since memory is what the processor waits for.
        inner = functional.relu(self.first(features), inplace=True)
        return cast(Tensor, self.second(inner)).add_(features)


class Denoiser(nn.Module):
    """A U-Net on the 2x2 sub-images of a picture and a map of the noise level.

    The sub-images and the map are FFDNet's (Zhang et al., TIP 2018), the residual learning is DnCNN's (TIP
    2017), the residual U-Net is DRUNet's (TPAMI 2021) made small. The network predicts the noise in units of
    its level, so that a level of zero leaves a picture as it is.

    Takes pictures (N, C, H, W) in [0, 1] of any size, and sigma in the same units: a number per picture (N,)
    or a map (N, 1, H, W). C is 3, or 1 for gray, which goes through as three equal channels: it learned on
    such too. Gives pictures of the same shape, not clipped.
    """

    def __init__(self, widths: tuple[int, ...] = (48, 80, 112), depth: int = 2) -> None:
        super().__init__()
        self.stride = 2 ** len(widths)
        self.head = nn.Conv2d(13, widths[0], 3, padding=1)
        steps = list(pairwise(widths))
        self.encode = nn.ModuleList(_blocks(width, depth) for width, _ in steps)
        self.shrink = nn.ModuleList(nn.Conv2d(width, below, 2, stride=2) for width, below in steps)
        self.middle = _blocks(widths[-1], depth)
        self.enlarge = nn.ModuleList(
            nn.Sequential(nn.Conv2d(below, 4 * width, 1), nn.PixelShuffle(2))
            for width, below in reversed(steps)
        )
        self.decode = nn.ModuleList(_blocks(width, depth) for width, _ in reversed(steps))
        self.tail = nn.Conv2d(widths[0], 12, 3, padding=1)
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(cast(Tensor, self.tail.bias))

    def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
        channels, height, width = noisy.shape[1:]
        level = sigma.reshape(len(sigma), 1, *(sigma.shape[2:] or (1, 1))).expand(-1, -1, height, width)
        padding = (0, -width % self.stride, 0, -height % self.stride)
        picture = functional.pad(noisy.expand(-1, 3, -1, -1), padding, mode="replicate")
        level = functional.pad(level, padding, mode="replicate")

        sub_images = functional.pixel_unshuffle(picture, 2)
        features = self.head(torch.cat([sub_images, functional.avg_pool2d(level, 2)], 1))
        skipped = []
        for blocks, shrink in zip(self.encode, self.shrink, strict=True):
            skipped.append(blocks(features))
            features = shrink(skipped[-1])
        features = self.middle(features)
        for enlarge, blocks in zip(self.enlarge, self.decode, strict=True):
            features = blocks(enlarge(features) + skipped.pop())
        noise = functional.pixel_shuffle(self.tail(features), 2)[..., :height, :width]
        if channels == 1:
            noise = noise.mean(1, keepdim=True)
        return noisy - level[..., :height, :width] * noise


def blindly(network: nn.Module, picture: Tensor) -> Tensor:
    """What a denoiser that was trained blind makes of pictures (N, C, H, W) in [0, 1]; the same shape, not clipped."""
    return cast(Tensor, network(picture, picture.new_full((len(picture),), BLIND_LEVEL)))


def _blocks(width: int, depth: int) -> nn.Sequential:
    return nn.Sequential(*(Residual(width) for _ in range(depth)))
