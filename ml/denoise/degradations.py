"""What cameras and JPEG do to pictures, at random and batch by batch: what the blind networks learn to undo.

It goes further than the protocols they are measured by (`ml.denoise.protocols`) in every respect, and draws otherwise.
Batches are (N, 3, H, W), values from 0 to 1; every draw comes from the generator.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from ml.core.metrics import quantise
from ml.denoise.protocols import GRAY, GRAY_SLOPE, SUBSAMPLED, WHOLE, jpeg

Degrade = Callable[[Tensor, torch.Generator], Tensor]
"""From a clean batch to the same as it might have come from a camera or a JPEG file."""

STRONGEST = 24 / 255
"""Sigma of luma's noise at mid gray, after all that correlates it; its root is uniform, since most photos have little."""
READ_NOISE = (0.02, 0.6)
"""The share of the variance at mid gray that does not depend on the light."""
COLOR = (0.8, 2.2)
"""How much stronger than luma chroma is noisy."""
BALANCE = (0.8, 1.6)
"""How much more red and blue are amplified than green, by the balance of white."""
WIDEST_BLUR = 1.0
"""Sigma in pixels of the blur of what is not demosaiced."""
SCALES = (0.55, 1.5)
"""By which factor the noise, and so the photo it was in, was resized."""
CAMERA_QUALITIES, JPEG_QUALITIES = (55, 98), (8, 95)
UNCOMPRESSED, WHOLE_CHROMA, UNTOUCHED = 0.15, 0.25, 0.04
"""Shares of the photos that become no JPEG, of the JPEGs with 4:4:4, and of the pictures to which nothing is done."""

_CROSS = torch.tensor([[0.0, 1.0, 0.0], [1.0, 4.0, 1.0], [0.0, 1.0, 0.0]]) / 4
_SQUARE = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]) / 4
BILINEAR = torch.stack([_SQUARE, _CROSS, _SQUARE])[:, None]
"""The kernels that fill in red, green and blue where a sensor does not see them."""


def camera(clean: Tensor, generator: torch.Generator) -> Tensor:
    """As a small sensor and its camera make it: noise of light and of reading in linear light, correlated, then JPEG.

    The noise is that of Foi et al., "Practical Poissonian-Gaussian Noise Modeling and Fitting", TIP 2008.
    """
    count = len(clean)
    sigma = GRAY_SLOPE * STRONGEST * _uniform(count, (0, 1), generator).square()
    read = _uniform(count, READ_NOISE, generator)
    light = linear(clean)
    noise = sigma * (read + (1 - read) * light / GRAY).sqrt() * correlated_noise(clean.shape, generator)
    # As by a matrix of colours: what is noisy in one channel becomes so in the others.
    luma = noise.mean(1, keepdim=True)
    noise = luma + _uniform(count, COLOR, generator) * (noise - luma)
    noisy = quantise(encoded((light + noise).clamp(0, 1)))
    compressed = compress(noisy, CAMERA_QUALITIES, generator)
    return _some(UNTOUCHED, clean, _some(UNCOMPRESSED, noisy, compressed, generator), generator)


def artefacts(clean: Tensor, generator: torch.Generator) -> Tensor:
    """As it comes out of a JPEG of any quality."""
    return _some(UNTOUCHED, clean, compress(clean, JPEG_QUALITIES, generator), generator)


def correlated_noise(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Noise of (N, 3, H, W) whose luma has sigma 1: demosaiced or blurred, resized, balanced."""
    count, channels, height, width = shape
    scale = float(_uniform(1, SCALES, generator))
    wide = torch.randn(
        (count, channels, round(height / scale) + 1, round(width / scale) + 1),
        generator=generator,
        device=generator.device,
    )
    blur = WIDEST_BLUR * torch.rand((), generator=generator, device=generator.device)
    noise = _some(0.5, _demosaiced(wide), _blurred(wide, blur), generator)
    noise = functional.interpolate(noise, (height, width), mode="bicubic", antialias=True)
    balance = _uniform(count, BALANCE, generator, channels)
    balance[:, 1] = 1
    noise = noise * balance
    return noise / noise.mean(1, keepdim=True).std((1, 2, 3), keepdim=True)


def compress(batch: Tensor, qualities: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Each picture through a JPEG of a random quality, both ends among them."""
    least, most = qualities
    drawn = torch.randint(
        least, most + 1, (len(batch),), generator=generator, device=generator.device
    ).tolist()
    whole = (torch.rand(len(batch), generator=generator, device=generator.device) < WHOLE_CHROMA).tolist()
    pixels = (255 * batch.clamp(0, 1)).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    files = [
        torch.from_numpy(jpeg(each, quality, WHOLE if all_chroma else SUBSAMPLED))
        for each, quality, all_chroma in zip(pixels, drawn, whole, strict=True)
    ]
    return torch.stack(files).permute(0, 3, 1, 2).to(batch.device) / 255


def linear(values: Tensor) -> Tensor:
    """Light of sRGB, both from 0 to 1 (IEC 61966-2-1)."""
    return torch.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def encoded(light: Tensor) -> Tensor:
    """sRGB of light, both from 0 to 1 (IEC 61966-2-1)."""
    return torch.where(
        light <= 0.0031308, 12.92 * light, 1.055 * light.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    )


def _demosaiced(noise: Tensor) -> Tensor:
    """The noise that is left where a Bayer sensor sees each colour, and between it the mean of what is around."""
    seen = torch.zeros_like(noise)
    seen[:, 0, ::2, ::2] = noise[:, 0, ::2, ::2]
    seen[:, 1, ::2, 1::2] = noise[:, 1, ::2, 1::2]
    seen[:, 1, 1::2, ::2] = noise[:, 1, 1::2, ::2]
    seen[:, 2, 1::2, 1::2] = noise[:, 2, 1::2, 1::2]
    return functional.conv2d(
        functional.pad(seen, (1,) * 4, mode="reflect"), BILINEAR.to(noise.device), groups=3
    )


def _blurred(noise: Tensor, sigma: Tensor) -> Tensor:
    steps = torch.arange(-3.0, 4.0, device=noise.device)
    weights = torch.exp(-0.5 * (steps / sigma.clamp(min=0.1)).square())
    weights = (weights / weights.sum()).expand(noise.shape[1], 1, 1, -1)
    padded = functional.pad(noise, (3,) * 4, mode="reflect")
    across = functional.conv2d(padded, weights, groups=noise.shape[1])
    return functional.conv2d(across, weights.transpose(2, 3), groups=noise.shape[1])


def _uniform(count: int, ends: tuple[float, float], generator: torch.Generator, channels: int = 1) -> Tensor:
    """A number for each picture, (N, channels, 1, 1)."""
    low, high = ends
    return low + (high - low) * torch.rand(
        (count, channels, 1, 1), generator=generator, device=generator.device
    )


def _some(share: float, these: Tensor, others: Tensor, generator: torch.Generator) -> Tensor:
    """A share of the pictures, at random, of the ones and the rest of the others."""
    chosen = torch.rand(len(these), generator=generator, device=generator.device) < share
    return torch.where(chosen[:, None, None, None], these, others)
