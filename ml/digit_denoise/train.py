"""Training of the denoising autoencoder of digits: ``python -m ml train digit-denoiser --data DIR``.

DIR holds MNIST's four .gz files. Every thirtieth training picture is held back for validation.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ml.core import training
from ml.digit_denoise.networks import DigitDenoiser, with_noise
from ml.digits import mnist

WEIGHTS = Path(__file__).parent / "weights"
STRONGEST = 1.0
"""Of the levels of noise that it learns, uniform from 0; white is 1."""

BATCH = 64
VALIDATED_SIGMA = 0.5


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the network is trained."""

    steps: int
    learning_rate: float


NETWORKS: Mapping[str, Recipe] = {"digit-denoiser": Recipe(steps=1500, learning_rate=2e-3)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``ml train`` for this network."""
    training.add_arguments(parser)


def main(name: str, args: argparse.Namespace) -> dict[str, object]:
    """Train one of NETWORKS; returns its card."""
    recipe = NETWORKS[name]
    device = torch.device(args.device)
    torch.manual_seed(args.seed)
    network = DigitDenoiser()
    (images, _), (held_back, _) = mnist.read_parted(args.data)
    images, held_back = images.to(device), held_back.to(device)

    def loss(network: nn.Module, generator: torch.Generator) -> Tensor:
        chosen = torch.randint(len(images), (BATCH,), generator=generator, device=device)
        sigma = STRONGEST * torch.rand(BATCH, 1, 1, 1, generator=generator, device=device)
        noisy = with_noise(images[chosen], sigma, generator)
        # Its optimum is the mean, like that of the squared error, which most digits' black ground brings to a halt.
        logits = cast(DigitDenoiser, network).logits(noisy)
        return functional.binary_cross_entropy_with_logits(logits, images[chosen])

    def validate(network: nn.Module) -> dict[str, float]:
        generator = torch.Generator(device).manual_seed(0)
        noisy = with_noise(held_back, VALIDATED_SIGMA, generator)
        return {f"sigma {VALIDATED_SIGMA}": round(mean_psnr(network(noisy), held_back), 3)}

    plan = training.Plan(
        name=name,
        network=network,
        loss=loss,
        validate=validate,
        data=mnist.DATA,
        terms=mnist.TERMS,
        steps=args.steps or recipe.steps,
        learning_rate=recipe.learning_rate,
        warmup=100,
        averaging=0.998,
        validate_every=250,
    )
    return training.train(plan, training.Place.of(args, WEIGHTS))


def mean_psnr(images: Tensor, references: Tensor) -> float:
    """The mean of the PSNR, in dB, of images (N, 1, H, W) in [0, 1] that differ from their references."""
    errors = (images - references).square().mean((1, 2, 3))
    return float((-10 * errors.log10()).mean())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=NETWORKS)
    add_arguments(parser)
    arguments = parser.parse_args()
    main(arguments.name, arguments)
