"""Real-ESRGAN's two networks.

Wang et al., "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data", ICCVW 2021;
its generator is that of Wang et al., "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks", ECCVW 2018.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

RESIDUAL_SCALE = 0.2
NEGATIVE_SLOPE = 0.2
SCALE = 4
ROWS = 64
REACH = 2
"""Rows beyond a strip that its enlargement sees: 1/2 + 3/4 at the small size."""


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class ResidualDenseBlock(nn.Module):
    """Five convolutions, each of which sees the outputs of all before it."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.grow = nn.ModuleList(_conv(width + step * growth, growth) for step in range(4))
        self.fuse = _conv(width + 4 * growth, width)

    def forward(self, features: Tensor) -> Tensor:
        seen = features
        for conv in self.grow:
            seen = torch.cat([seen, functional.leaky_relu(conv(seen), NEGATIVE_SLOPE, inplace=True)], dim=1)
        return torch.add(features, self.fuse(seen), alpha=RESIDUAL_SCALE)


class ResidualInResidual(nn.Module):
    """Three residual dense blocks with a residual connection around them (RRDB)."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(ResidualDenseBlock(width, growth) for _ in range(3)))

    def forward(self, features: Tensor) -> Tensor:
        return torch.add(features, self.blocks(features), alpha=RESIDUAL_SCALE)


class RRDBNet(nn.Module):
    """RGB (N, 3, H, W) from 0 to 1, to (N, 3, 4H, 4W), not clipped. x4plus has 23 blocks and 16.7 M parameters."""

    def __init__(self, blocks: int = 23, width: int = 64, growth: int = 32) -> None:
        super().__init__()
        self.first = _conv(3, width)
        self.body = nn.Sequential(*(ResidualInResidual(width, growth) for _ in range(blocks)))
        self.after_body = _conv(width, width)
        self.enlarge = nn.ModuleList([_conv(width, width), _conv(width, width)])
        self.refine = _conv(width, width)
        self.last = _conv(width, 3)

    def forward(self, image: Tensor) -> Tensor:
        features = self.first(image)
        features = features + self.after_body(self.body(features))
        height = features.shape[2]
        strips = [self._enlarged(features, top, min(top + ROWS, height)) for top in range(0, height, ROWS)]
        return torch.cat(strips, dim=2)

    def _enlarged(self, features: Tensor, top: int, bottom: int) -> Tensor:
        """The rows from `top` to `bottom`, four times as large: in strips, or they would take most of the memory."""
        first = max(0, top - REACH)
        rows = features[:, :, first : bottom + REACH]
        for conv in self.enlarge:
            rows = functional.interpolate(rows, scale_factor=2, mode="nearest")
            rows = functional.leaky_relu(conv(rows), NEGATIVE_SLOPE, inplace=True)
        rows = functional.leaky_relu(self.refine(rows), NEGATIVE_SLOPE, inplace=True)
        enlarged: Tensor = self.last(rows)
        return enlarged[:, :, SCALE * (top - first) : SCALE * (bottom - first)]


class CompactNet(nn.Module):
    """RGB (N, 3, H, W) from 0 to 1, to (N, 3, 4H, 4W), not clipped: what it adds to the nearest neighbours.

    Called SRVGGNetCompact by its authors. animevideov3 has 16 layers in the middle and 0.62 M parameters.
    """

    def __init__(self, layers: int = 16, width: int = 64) -> None:
        super().__init__()
        body: list[nn.Module] = [_conv(3, width), nn.PReLU(width)]
        for _ in range(layers):
            body += [_conv(width, width), nn.PReLU(width)]
        self.body = nn.Sequential(*body, _conv(width, 3 * SCALE**2), nn.PixelShuffle(SCALE))

    def forward(self, image: Tensor) -> Tensor:
        added: Tensor = self.body(image)
        return added + functional.interpolate(image, scale_factor=SCALE, mode="nearest")
