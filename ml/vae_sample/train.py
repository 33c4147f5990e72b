"""Training of the autoencoders of digits: ``python -m ml train vae-16 --data DIR``.

DIR holds MNIST's four .gz files. Every thirtieth training picture is held back for validation.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from ml.core import training
from ml.digits import mnist
from ml.vae_sample.networks import DIGITS, Autoencoder, binarised, negative_elbo

WEIGHTS = Path(__file__).parent / "weights"
BATCH = 128


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one network is trained."""

    latents: int
    variational: bool
    steps: int
    learning_rate: float = 2e-3


NETWORKS: Mapping[str, Recipe] = {
    "vae-2": Recipe(latents=2, variational=True, steps=5900),
    "vae-16": Recipe(latents=16, variational=True, steps=8000),
    "autoencoder": Recipe(latents=16, variational=False, steps=1000),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``ml train`` for these networks."""
    training.add_arguments(parser)


def main(name: str, args: argparse.Namespace) -> dict[str, object]:
    """Train one of NETWORKS; returns its card."""
    recipe = NETWORKS[name]
    device = torch.device(args.device)
    torch.manual_seed(args.seed)
    network = Autoencoder(recipe.latents, variational=recipe.variational)
    (images, _), (held_back, digits) = mnist.read_parted(args.data)
    images, held_back, digits = images.to(device), held_back.to(device), digits.to(device)

    def loss(network: nn.Module, generator: torch.Generator) -> Tensor:
        chosen = torch.randint(len(images), (BATCH,), generator=generator, device=device)
        batch = binarised(images[chosen], generator)
        autoencoder = cast(Autoencoder, network.train())
        reconstruction, divergence = negative_elbo(autoencoder, batch, generator)
        return (reconstruction + divergence).mean() / mnist.SIDE**2

    def validate(network: nn.Module) -> dict[str, float]:
        """Also leaves the mean code of each digit in the network, which is written with it."""
        autoencoder = cast(Autoencoder, network)
        codes, _ = autoencoder.encode(held_back)
        autoencoder.digit_codes.copy_(torch.stack([codes[digits == each].mean(0) for each in range(DIGITS)]))
        generator = torch.Generator(device).manual_seed(0)
        reconstruction, divergence = negative_elbo(autoencoder, binarised(held_back, generator), generator)
        figures = {"log-likelihood given the code": -round(float(reconstruction.mean()), 3)}
        if recipe.variational:
            return {"ELBO": -round(float((reconstruction + divergence).mean()), 3)} | figures
        return figures

    plan = training.Plan(
        name=name,
        network=network,
        loss=loss,
        validate=validate,
        data=f"{mnist.DATA}; pixels drawn anew as 0 or 1 at each step",
        terms=mnist.TERMS,
        steps=args.steps or recipe.steps,
        learning_rate=recipe.learning_rate,
        warmup=200,
        validate_every=500,
        unit="nats",
    )
    return training.train(plan, training.Place.of(args, WEIGHTS))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=NETWORKS)
    add_arguments(parser)
    arguments = parser.parse_args()
    main(arguments.name, arguments)
