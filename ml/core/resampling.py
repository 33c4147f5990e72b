"""Resampling as MATLAB's ``imresize`` does it, and the BT.601 conversions of the restoration papers."""

import functools
import math

import numpy as np
import torch
from torch import Tensor


def _cubic(x: np.ndarray) -> np.ndarray:
    """Keys' cubic convolution kernel with a = -1/2 (IEEE Trans. ASSP 1981), MATLAB's bicubic."""
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


@functools.lru_cache(maxsize=64)
def _taps(length: int, resized: int, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Source positions and weights, each (resized, taps), of every pixel along one resized axis."""
    shrink = min(scale, 1.0)
    width = 4 / shrink
    centre = (np.arange(resized) + 0.5) / scale - 0.5
    first = np.ceil(centre - width / 2).astype(np.int64)
    positions = first[:, None] + np.arange(math.ceil(width) + 1)
    weights = _cubic((centre[:, None] - positions) * shrink)
    weights /= weights.sum(axis=1, keepdims=True)
    used = np.any(weights != 0, axis=0)
    mirrored = np.concatenate([np.arange(length), np.arange(length)[::-1]])[positions % (2 * length)]
    return mirrored[:, used], weights[:, used]


def _resize_rows(image: Tensor, resized: int, scale: float) -> Tensor:
    positions, weights = (torch.from_numpy(table) for table in _taps(image.shape[-2], resized, scale))
    positions, weights = positions.to(image.device), weights.to(image)
    taps = (
        image.index_select(-2, positions[:, tap]) * weights[:, tap, None] for tap in range(weights.shape[1])
    )
    return functools.reduce(Tensor.add_, taps)


def resize_bicubic(image: Tensor, scale: float) -> Tensor:
    """Resize float images (..., H, W) to (..., ceil(H * scale), ceil(W * scale)) as MATLAB's ``imresize``.

    Bicubic with a = -1/2, widened against aliasing when it shrinks, borders mirrored, not clipped or rounded.
    """
    height, width = (math.ceil(round(side * scale, 6)) for side in image.shape[-2:])
    rows = _resize_rows(image, height, scale)
    return _resize_rows(rows.mT.contiguous(), width, scale).mT.contiguous()


# ITU-R BT.601 with the studio range, for values in [0, 1], as MATLAB's rgb2ycbcr.
_FROM_RGB = ((65.481, 128.553, 24.966), (-37.797, -74.203, 112.0), (112.0, -93.786, -18.214))
_OFFSET = (16.0, 128.0, 128.0)


def rgb_to_ycbcr(image: Tensor) -> Tensor:
    """RGB (..., 3, H, W) in [0, 1] to BT.601 YCbCr in [0, 1] (Y from 16/255 to 235/255)."""
    matrix, offset = image.new_tensor(_FROM_RGB) / 255, image.new_tensor(_OFFSET) / 255
    return torch.einsum("ij,...jhw->...ihw", matrix, image) + offset[:, None, None]


def ycbcr_to_rgb(image: Tensor) -> Tensor:
    """The inverse of :func:`rgb_to_ycbcr`; values outside RGB's range are not clipped."""
    matrix = torch.linalg.inv(image.new_tensor(_FROM_RGB) / 255)
    offset = image.new_tensor(_OFFSET) / 255
    return torch.einsum("ij,...jhw->...ihw", matrix, image - offset[:, None, None])


def luminance(image: Tensor) -> Tensor:
    """Y (..., 1, H, W) of RGB (..., 3, H, W) in [0, 1]; a gray image (..., 1, H, W) is its own luminance."""
    return image if image.shape[-3] == 1 else rgb_to_ycbcr(image)[..., :1, :, :]
