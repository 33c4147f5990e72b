"""Training of the denoiser: ``python -m ml train dncnn --data DIR``.

DIR holds the folders ``t91`` and ``bsd400``. Every twentieth picture of each is held back for validation.
"""

import argparse
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from ml.core import training
from ml.core.metrics import quantise
from ml.denoise.evaluate import gray, score_denoising
from ml.denoise.networks import Denoiser

WEIGHTS = Path(__file__).parent / "weights"
DATA = "t91 (91 images of Yang et al.) and bsd400 (BSDS500 train and test), every twentieth picture held back"
TERMS = "t91: research use; BSDS500: non-commercial research and education"
SCALINGS = (1.0, 0.85, 0.7)
LEVELS = (1 / 255, 75 / 255)
"""Range of sigma, uniform; a level of zero needs no training."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one network is trained."""

    build: Callable[[], nn.Module]
    steps: int
    learning_rate: float
    colour: int
    """Colour crops a step."""
    gray: int
    """Gray crops a step."""
    size: int
    """Side of a crop in pixels."""


NETWORKS: Mapping[str, Recipe] = {
    "dncnn": Recipe(build=Denoiser, steps=60_000, learning_rate=5e-4, colour=6, gray=2, size=64),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``ml train`` for these networks."""
    training.add_arguments(parser)


def main(name: str, args: argparse.Namespace) -> dict[str, object]:
    """Train one of NETWORKS; returns its card."""
    recipe = NETWORKS[name]
    device = torch.device(args.device)
    torch.manual_seed(args.seed)
    network = recipe.build()
    folders = {args.data / "t91": 1.0, args.data / "bsd400": 1.0}
    crops, held_back = training.read_crops(folders, SCALINGS, lambda picture: picture, device)
    validation = [_middle(picture, 160) for picture in held_back if min(picture.shape[1:]) >= 160]

    def loss(network: nn.Module, generator: torch.Generator) -> Tensor:
        clean = crops.draw(recipe.colour + recipe.gray, recipe.size, generator)
        colour_error = _error(network, clean[: recipe.colour], generator)
        gray_error = _error(network, gray(clean[recipe.colour :]), generator)
        return (recipe.colour * colour_error + recipe.gray * gray_error) / len(clean)

    def validate(network: nn.Module) -> dict[str, float]:
        def denoise(noisy: Tensor, sigma: float) -> Tensor:
            return cast(Tensor, network(noisy[None], noisy.new_tensor([sigma]))[0])

        figures = {
            f"sigma {sigma}": score_denoising(denoise, sigma, validation, device).psnr or math.inf
            for sigma in (15, 25, 50)
        }
        return {"mean": sum(figures.values()) / len(figures), **figures}

    plan = training.Plan(
        name=name,
        network=network,
        loss=loss,
        validate=validate,
        data=DATA,
        terms=TERMS,
        steps=args.steps or recipe.steps,
        learning_rate=recipe.learning_rate,
        validate_every=500,
    )
    return training.train(plan, training.Place.of(args, WEIGHTS))


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


def _middle(picture: Tensor, size: int) -> Tensor:
    top, left = ((side - size) // 2 for side in picture.shape[1:])
    return picture[:, top : top + size, left : left + size]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=NETWORKS)
    add_arguments(parser)
    arguments = parser.parse_args()
    main(arguments.name, arguments)
