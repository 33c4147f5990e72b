"""Training of the luminance networks: ``python -m ml train fsrcnn --data DIR``.

DIR holds the folders ``t91`` and ``bsd400``. Every twentieth picture of each is held back for validation.
"""

import argparse
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ml.core import training
from ml.core.resampling import luminance, resize_bicubic
from ml.super_resolution.evaluate import score_luminance
from ml.super_resolution.networks import FSRCNN, SRCNN, LatentSR
from ml.super_resolution.params import SCALES

WEIGHTS = Path(__file__).parent / "weights"
DATA = "t91 (91 images of Yang et al.) and bsd400 (BSDS500 train and test), every twentieth picture held back"
TERMS = "t91: research use; BSDS500: non-commercial research and education"
SCALINGS = (1.0, 0.9, 0.8, 0.7, 0.6)
T91_SHARE = 16.0
"""How often a pixel of t91 is drawn for one of bsd400: its pictures are few, small, and no JPEGs."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one network is trained."""

    build: Callable[[], nn.Module]
    scales: tuple[int, ...]
    steps: int
    learning_rate: float
    crops: int
    """Crops a step and scale."""
    size: int
    """Side of a crop at the small size, in pixels."""
    enlarged_first: bool = False
    """The network takes the picture already enlarged by the bicubic (SRCNN)."""


NETWORKS: Mapping[str, Recipe] = {
    "fsrcnn": Recipe(build=FSRCNN, scales=SCALES, steps=60_000, learning_rate=3e-3, crops=8, size=32),
    "latent-sr": Recipe(build=LatentSR, scales=SCALES, steps=30_000, learning_rate=1e-3, crops=8, size=24),
    **{
        f"srcnn-x{scale}": Recipe(
            build=SRCNN,
            scales=(scale,),
            steps=10_000,
            learning_rate=5e-4,
            crops=16,
            size=48 // scale,
            enlarged_first=True,
        )
        for scale in SCALES
    },
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
    folders = {args.data / "t91": T91_SHARE, args.data / "bsd400": 1.0}
    crops, validation = training.read_crops(folders, SCALINGS, luminance, device)

    def enlarge(network: nn.Module, small: Tensor, scale: int) -> Tensor:
        if recipe.enlarged_first:
            return cast(Tensor, network(resize_bicubic(small, scale)))
        return cast(Tensor, network(small, scale))

    def enlarge_picture(network: nn.Module, scale: int, small: Tensor) -> Tensor:
        return enlarge(network, small[None], scale)[0]

    def loss(network: nn.Module, generator: torch.Generator) -> Tensor:
        errors = []
        for scale in recipe.scales:
            large = crops.draw(recipe.crops, recipe.size * scale, generator)
            enlarged = enlarge(network, resize_bicubic(large, 1 / scale), scale)
            errors.append(functional.mse_loss(enlarged, large))
        # The logarithm gives every scale the same say, and makes the loss the PSNR itself.
        return torch.stack(errors).log().mean()

    def validate(network: nn.Module) -> dict[str, float]:
        figures = {}
        for scale in recipe.scales:
            enlarge_one = partial(enlarge_picture, network, scale)
            figures[f"x{scale}"] = score_luminance(enlarge_one, scale, validation, device).psnr or math.inf
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
        bf16=False,
    )
    return training.train(plan, training.Place.of(args, WEIGHTS))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=NETWORKS)
    add_arguments(parser)
    arguments = parser.parse_args()
    main(arguments.name, arguments)
