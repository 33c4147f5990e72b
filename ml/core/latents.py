"""Points of a latent space whose codes are spread like a standard normal, and ways between them."""

import math

import torch
from torch import Tensor


def drawn(count: int, latents: int, spread: float, generator: torch.Generator) -> Tensor:
    """Codes (count, latents), each value normal with the standard deviation `spread`."""
    return spread * torch.randn(count, latents, generator=generator)


def slerp(start: Tensor, end: Tensor, shares: Tensor) -> Tensor:
    """From one code (L,) to another along a great circle, at each of the shares (N,) of the way; (N, L).

    In many dimensions nearly all codes have about the same length; a straight line would leave them (White, 2016).
    """
    cosine = torch.dot(start, end) / (start.norm() * end.norm()).clamp(min=1e-9)
    angle = cosine.clamp(-1, 1).acos()
    if angle.sin() < 1e-4:
        return start + shares[:, None] * (end - start)
    return ((1 - shares[:, None]) * angle).sin() / angle.sin() * start + (
        shares[:, None] * angle
    ).sin() / angle.sin() * end


def walk(codes: Tensor, steps: int) -> Tensor:
    """From each of the codes (K, L) to the next, and from the last to the first, in so many steps; (K * steps, L)."""
    shares = torch.arange(steps) / steps
    return torch.cat([slerp(start, end, shares) for start, end in zip(codes, codes.roll(-1, 0), strict=True)])


def glide(values: Tensor, steps: int) -> Tensor:
    """As `walk`, along straight lines: for what is no point of a normal distribution, such as a class."""
    shares = (torch.arange(steps) / steps)[None, :, None]
    return torch.lerp(values[:, None], values.roll(-1, 0)[:, None], shares).flatten(0, 1)


def between(corners: Tensor, side: int) -> Tensor:
    """A square of codes (side * side, L), row by row, between four in its corners (4, L)."""
    shares = torch.linspace(0, 1, side)
    left, right = slerp(corners[0], corners[2], shares), slerp(corners[1], corners[3], shares)
    return torch.cat([slerp(start, end, shares) for start, end in zip(left, right, strict=True)])


def quantiles(side: int) -> Tensor:
    """The plane as a square of codes (side * side, 2), row by row: each stands for an equal share of the normal."""
    shares = (torch.arange(side) + 0.5) / side
    values = math.sqrt(2) * torch.erfinv(2 * shares - 1)
    down, across = torch.meshgrid(-values, values, indexing="ij")
    return torch.stack([across.flatten(), down.flatten()], dim=1)
