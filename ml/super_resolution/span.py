"""SPAN, a fast network without a branch: what its blocks find also says how much of it is let through.

Wan et al., "Swift Parameter-free Attention Network for Efficient Super-Resolution", CVPRW 2024. Written from the
paper and from the graph of the file that the weights come in, for inference: each convolution here is what three
of the training become when they are multiplied out.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ml.super_resolution.ncnn import Memory

BLOCKS = 6
MARGIN = 12
"""Pixels mirrored beyond the border, by which it is as good as if the picture went on."""
REACH = 8
"""Pixels around each over which colour is kept."""
CONTRAST = 4 / 255
"""Between pixels of an area that is no more flat."""


class AttentionBlock(nn.Module):
    """Three convolutions, and an attention that has no parameters: the sigmoid of what the last one found, centred."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second, self.third = (_conv(width, width) for _ in range(3))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The features (N, width, H, W) after the block, and those after its first convolution."""
        early = functional.silu(self.first(features), inplace=True)
        found = self.third(functional.silu(self.second(early), inplace=True))
        attention = torch.sigmoid(found).sub_(0.5)
        return found.add_(features).mul_(attention), early


class SPAN(nn.Module):
    """RGB (N, 3, H, W) from 0 to 1, to (N, 3, scale H, scale W), not clipped. Width 48 makes 0.4 M parameters.

    A picture is mirrored beyond its borders, or the zeros there, a middle gray, would show in strong colours; the
    authors' network for 4x does better by its zeros and goes without, where a picture has `bare_from` pixels a side.
    What goes in is clipped: on values that no picture has its product of features grows out of all bounds.
    """

    def __init__(
        self, scale: int, *, width: int = 48, blocks: int = BLOCKS, bare_from: int | None = None
    ) -> None:
        super().__init__()
        self.scale, self.bare_from = scale, bare_from
        self.mean = Memory(3)
        self.head = _conv(3, width)
        self.blocks = nn.ModuleList(AttentionBlock(width) for _ in range(blocks))
        self.after_blocks = _conv(width, width)
        self.fuse = nn.Conv2d(4 * width, width, 1)
        self.tail = _conv(width, 3 * scale**2)

    def forward(self, image: Tensor) -> Tensor:
        image = image.clamp(0, 1)
        if self.bare_from and min(image.shape[-2:]) >= self.bare_from:
            return self._enlarged(image)
        height, width = (length * self.scale for length in image.shape[-2:])
        margin = MARGIN * self.scale
        return self._enlarged(mirrored(image, MARGIN))[..., margin : margin + height, margin : margin + width]

    def _enlarged(self, image: Tensor) -> Tensor:
        head = self.head((image - self.mean()) * 255)
        first, early = self.blocks[0](head)
        features = first
        for block in self.blocks[1:]:
            features, early = block(features)
        fused = self.fuse(torch.cat([head, self.after_blocks(features), first, early], dim=1))
        return functional.pixel_shuffle(self.tail(fused), self.scale)


class ColorKept(nn.Module):
    """A network that enlarges, and over each neighbourhood the colours of its input.

    What the enlargement differs from the bicubic by is averaged over the pixels around and taken away. Where the
    input is flat that is done for each of the scale² places within a pixel by itself, which takes away patterns as
    well; elsewhere it would carry the patterns of one side of an edge to the other.
    """

    def __init__(self, network: nn.Module, scale: int) -> None:
        super().__init__()
        self.network, self.scale = network, scale

    def forward(self, image: Tensor) -> Tensor:
        enlarged: Tensor = self.network(image).clamp_(0, 1)
        plain = functional.interpolate(image, scale_factor=self.scale, mode="bicubic", align_corners=False)
        apart = _around(functional.pixel_unshuffle(plain.sub_(enlarged), self.scale))
        places = apart.unflatten(1, (image.shape[1], self.scale**2))
        level = places.mean(2)
        pattern = (places - level.unsqueeze(2)).flatten(1, 2) * _flatness(image)
        enlarged += functional.interpolate(level, scale_factor=self.scale, mode="bilinear")
        return enlarged.add_(functional.pixel_shuffle(pattern, self.scale))


def mirrored(image: Tensor, margin: int) -> Tensor:
    """(N, C, H, W) with `margin` pixels more on each side, mirrored again and again where there are fewer."""
    for axis in (-2, -1):
        length = image.shape[axis]
        place = torch.arange(-margin, length + margin, device=image.device) % (2 * length)
        image = image.index_select(axis, torch.minimum(place, 2 * length - 1 - place))
    return image


def _around(values: Tensor) -> Tensor:
    """The mean over the pixels around each, of (N, C, H, W); two boxes make a tent, that has no edges to see."""
    for _ in range(2):
        for size, padding in (((REACH + 1, 1), (REACH // 2, 0)), ((1, REACH + 1), (0, REACH // 2))):
            values = functional.avg_pool2d(values, size, 1, padding, count_include_pad=False)
    return values


def _flatness(image: Tensor) -> Tensor:
    """From 1 where all pixels around are equal to 0 where they differ by `CONTRAST` or more: (N, 1, H, W)."""
    highest, lowest = (_highest(each) for each in (image, -image))
    return (1 - (highest + lowest).amax(1, keepdim=True) / CONTRAST).clamp(0, 1)


def _highest(values: Tensor) -> Tensor:
    """Of the pixels around each: by columns, then by rows, which is an eighth of the work."""
    for size, padding in (((2 * REACH + 1, 1), (REACH, 0)), ((1, 2 * REACH + 1), (0, REACH))):
        values = functional.max_pool2d(values, size, 1, padding)
    return values


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)
