"""Flat areas keep their mean, whatever level of noise the network was told."""

import torch
from torch import Tensor
from torch.nn import functional

CELL = 4
"""Side in pixels of the cells in whose means the areas are looked at."""
BLUR = 2.0
"""Sigma of the Gaussian that joins them, in cells; of white noise it leaves 1 part in 28."""
BLUR_REACH = 5
"""Where that Gaussian is cut off, in cells."""
REACH = CELL * (BLUR_REACH + 1)
"""How far around a pixel is looked, in pixels."""
LEFT_ALONE, LEFT_ALONE_CORRELATED = 0.45 / 255, 0.8 / 255
"""A shift up to here is not corrected: it may be what is left of the noise, which is not to come back. Noise that is
correlated leaves more."""
CLIPPED = (0.005, 0.045)
"""The share of clipped pixels around, of those that are not all alike, up to which the correction is whole, and from
which on it is none."""


def with_means_of(noisy: Tensor, restored: Tensor, left_alone: float = LEFT_ALONE) -> Tensor:
    """A restored picture (N, C, H, W) in [0, 1], its low frequencies brought back to those of the noisy one.

    A network that is told more noise than there is takes a colour for noise and moves it towards the colours it
    knows. Noise that is not clipped has a mean of zero, so that over an area the noisy picture has the colour that
    is right. Clipped noise has not, and there the network knows better.
    """
    shift = _smooth(noisy - restored)
    shift = torch.sign(shift) * (shift.abs() - left_alone).clamp(min=0)
    clipped = _smooth(((noisy <= 0) | (noisy >= 1)).to(noisy.dtype))
    least, most = CLIPPED
    trust = ((most - clipped * (1 - clipped)) / (most - least)).clamp(0, 1)
    return (
        restored
        + functional.interpolate(shift * trust, scale_factor=CELL, mode="bilinear", align_corners=False)[
            ..., : noisy.shape[2], : noisy.shape[3]
        ]
    )


def _smooth(image: Tensor) -> Tensor:
    """The means of cells, blurred over their neighbours."""
    height, width = image.shape[-2:]
    cells = functional.avg_pool2d(
        functional.pad(image, (0, -width % CELL, 0, -height % CELL), mode="replicate"), CELL
    )
    steps = torch.arange(-BLUR_REACH, BLUR_REACH + 1, dtype=image.dtype, device=image.device)
    weights = torch.exp(-0.5 * (steps / BLUR).square())
    weights = (weights / weights.sum()).expand(image.shape[1], 1, 1, -1)
    padded = functional.pad(cells, (BLUR_REACH,) * 4, mode="replicate")
    across = functional.conv2d(padded, weights, groups=image.shape[1])
    return functional.conv2d(across, weights.transpose(2, 3), groups=image.shape[1])
