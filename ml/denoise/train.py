"""Training of the denoisers: ``python -m ml train NAME --data DIR``.

DIR holds the folders ``t91`` and ``bsd400``. Every twentieth picture of each is held back for validation. The blind
networks start best from the one that is told the level: ``--init ml/denoise/weights/dncnn.safetensors``.
"""

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from ml.core import training
from ml.core.images import Pixels
from ml.core.metrics import quantise
from ml.denoise import protocols
from ml.denoise.degradations import Degrade, artefacts, camera
from ml.denoise.evaluate import gray, score_blind, score_denoising
from ml.denoise.networks import Denoiser, blindly

WEIGHTS = Path(__file__).parent / "weights"
DATA = "t91 (91 images of Yang et al.) and bsd400 (BSDS500 train and test), every twentieth picture held back"
TERMS = "t91: research use; BSDS500: non-commercial research and education"
SCALINGS = (1.0, 0.85, 0.7)
LEVELS = (1 / 255, 75 / 255)
"""Range of sigma, uniform; a level of zero needs no training."""
MARGIN = 16
"""By how many pixels what a camera or JPEG makes is larger than what is learned from: the side of a unit of JPEG, which
may so stand anywhere."""
ALIGNED = 0.6
"""The share of the steps in which JPEG's units stand as in a file that nobody has cropped."""
LEAST_DAMAGE = 0.5 / 255
"""Root mean square of what is to be undone; where there is less, an error counts no more than with this."""

Error = Callable[[nn.Module, Tensor, torch.Generator], Tensor]
"""From a network and clean colour crops to the loss on them."""
Validate = Callable[[nn.Module, Sequence[Tensor]], dict[str, float]]
"""From a network and clean uint8 pictures (3, H, W) to figures in dB."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one network is trained."""

    error: Error
    validate: Validate
    steps: int
    learning_rate: float
    crops: int
    """Crops a step."""
    size: int
    """Side of a crop in pixels."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``ml train`` for these networks."""
    training.add_arguments(parser)


def main(name: str, args: argparse.Namespace) -> dict[str, object]:
    """Train one of NETWORKS; returns its card."""
    recipe = NETWORKS[name]
    device = torch.device(args.device)
    torch.manual_seed(args.seed)
    folders = {args.data / "t91": 1.0, args.data / "bsd400": 1.0}
    crops, held_back = training.read_crops(folders, SCALINGS, lambda picture: picture, device)
    validation = [_middle(picture, 160) for picture in held_back if min(picture.shape[1:]) >= 160]
    plan = training.Plan(
        name=name,
        network=Denoiser(),
        loss=lambda network, generator: recipe.error(
            network, crops.draw(recipe.crops, recipe.size, generator), generator
        ),
        validate=lambda network: recipe.validate(network, validation),
        data=DATA,
        terms=TERMS,
        steps=args.steps or recipe.steps,
        learning_rate=recipe.learning_rate,
        validate_every=500,
    )
    return training.train(plan, training.Place.of(args, WEIGHTS))


def _told_error(network: nn.Module, clean: Tensor, generator: torch.Generator) -> Tensor:
    """Of the network that is told the level: three crops in colour to one in gray."""
    colour = 3 * len(clean) // 4
    errors = _error(network, clean[:colour], generator), _error(network, gray(clean[colour:]), generator)
    return (colour * errors[0] + (len(clean) - colour) * errors[1]) / len(clean)


def _error(network: nn.Module, clean: Tensor, generator: torch.Generator) -> Tensor:
    """Root mean square error of each crop, at random levels of noise, half of it as clipped in a picture file."""
    device = clean.device
    low, high = LEVELS
    sigma = low + (high - low) * torch.rand(len(clean), generator=generator, device=device)
    level = sigma[:, None, None, None]
    noisy = clean + level * torch.randn(clean.shape, generator=generator, device=device)
    in_file = torch.rand(len(clean), generator=generator, device=device) < 0.5
    noisy = torch.where(in_file[:, None, None, None], quantise(noisy), noisy)
    # Errors grow with the level; over its root every level has about the same say, as decibels give it.
    restored = cast(Tensor, network(noisy, sigma))
    return ((restored - clean).square().mean((1, 2, 3)).sqrt() / sigma.sqrt()).mean()


def _blind_error(
    network: nn.Module, clean: Tensor, generator: torch.Generator, *, degrade: Degrade
) -> Tensor:
    """The same of a blind network, by what was done to each crop; every eighth crop is gray."""
    # Half of its precision is enough for the network, not for the noise.
    with torch.autocast(clean.device.type, enabled=False):
        damaged = degrade(clean, generator)
    aligned = bool(torch.rand((), generator=generator, device=clean.device) < ALIGNED)
    farthest = 1 if aligned else MARGIN
    down, across = torch.randint(farthest, (2,), generator=generator, device=clean.device).tolist()
    side = clean.shape[-1] - MARGIN
    clean, damaged = (
        _every_eighth_gray(each[..., down : down + side, across : across + side]) for each in (clean, damaged)
    )
    damage = _root_mean_square(damaged - clean).clamp(min=LEAST_DAMAGE)
    return (_root_mean_square(blindly(network, damaged) - clean) / damage.sqrt()).mean()


def _every_eighth_gray(batch: Tensor) -> Tensor:
    grays = torch.arange(len(batch), device=batch.device) % 8 == 7
    return torch.where(grays[:, None, None, None], gray(batch).expand(-1, 3, -1, -1), batch)


def _root_mean_square(errors: Tensor) -> Tensor:
    """Of each picture, (N,); with a slope at nothing."""
    return (errors.square().mean((1, 2, 3)) + 1e-10).sqrt()


def _validate_told(network: nn.Module, pictures: Sequence[Tensor]) -> dict[str, float]:
    def denoise(noisy: Tensor, sigma: float) -> Tensor:
        return cast(Tensor, network(noisy[None], noisy.new_tensor([sigma]))[0])

    device = next(network.parameters()).device
    return _with_mean(
        {
            f"sigma {sigma}": score_denoising(denoise, sigma, pictures, device).psnr or math.inf
            for sigma in (15, 25, 50)
        }
    )


def _validate_blind(
    network: nn.Module, pictures: Sequence[Tensor], *, protocol: Mapping[str, Callable[[Pixels], Pixels]]
) -> dict[str, float]:
    def denoise(noisy: Tensor, sigma: float) -> Tensor:
        return blindly(network, noisy[None])[0]

    device = next(network.parameters()).device
    return _with_mean(
        {
            name: score_blind(denoise, make, pictures, device)[0].psnr or math.inf
            for name, make in protocol.items()
        }
    )


def _with_mean(figures: dict[str, float]) -> dict[str, float]:
    return {"mean": sum(figures.values()) / len(figures), **figures}


def _middle(picture: Tensor, size: int) -> Tensor:
    top, left = ((side - size) // 2 for side in picture.shape[1:])
    return picture[:, top : top + size, left : left + size]


def _blind(degrade: Degrade, protocol: Mapping[str, Callable[[Pixels], Pixels]], steps: int) -> Recipe:
    return Recipe(
        error=partial(_blind_error, degrade=degrade),
        validate=partial(_validate_blind, protocol=protocol),
        steps=steps,
        learning_rate=5e-4,
        crops=8,
        size=64 + MARGIN,
    )


NETWORKS: Mapping[str, Recipe] = {
    "dncnn": Recipe(
        error=_told_error, validate=_validate_told, steps=60_000, learning_rate=5e-4, crops=8, size=64
    ),
    "camera-noise": _blind(
        camera,
        {f"sigma {sigma}": partial(protocols.camera, sigma=sigma) for sigma in (10, 25, 40)},
        steps=24_000,
    ),
    "jpeg-artefacts": _blind(
        artefacts,
        {f"quality {quality}": partial(protocols.jpeg, quality=quality) for quality in (10, 20, 40, 70)},
        steps=16_000,
    ),
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=NETWORKS)
    add_arguments(parser)
    arguments = parser.parse_args()
    main(arguments.name, arguments)
