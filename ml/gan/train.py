"""Training of the face generator: ``python -m ml train gan-faces --data DIR``.

DIR holds gray faces of 64x64 pixels. Every tenth is held back for validation.

On a CPU an adversary alone teaches too slowly. So half of the latents are the whitened principal components of real
faces, which are spread much like a standard normal, and the generator also has to give those faces back: a VAE/GAN
(Larsen et al., "Autoencoding beyond pixels using a learned similarity metric", 2016) with a linear encoder.
"""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import update_bn

from ml.core import training
from ml.gan.evaluate import draw_faces, feature_network, features, frechet_distance, read_faces
from ml.gan.networks import LATENTS, Adversaries

WEIGHTS = Path(__file__).parent / "weights"
DATA = "13,156 gray faces of Labeled Faces in the Wild, 64x64, every tenth held back"
TERMS = "Labeled Faces in the Wild (Huang et al., 2007): research use"
RETURNED = 10.0
"""Weight of the mean absolute error of the faces given back."""

VALIDATED = 512
"""Faces drawn for a validation."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the two are trained."""

    steps: int
    learning_rate: float
    batch: int


NETWORKS: Mapping[str, Recipe] = {"gan-faces": Recipe(steps=20_000, learning_rate=5e-4, batch=32)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``ml train`` for this network."""
    training.add_arguments(parser)


def main(name: str, args: argparse.Namespace) -> dict[str, object]:
    """Train one of NETWORKS; returns its card."""
    recipe = NETWORKS[name]
    device = torch.device(args.device)
    torch.manual_seed(args.seed)
    network = Adversaries()
    if args.init:
        training.load_weights(network.generator, args.init)
    faces, held_back = read_faces(args.data, device)
    lite0 = feature_network(device)
    reference = features(lite0, held_back)
    eigenfaces = Eigenfaces(faces)

    def loss(network: nn.Module, generator: torch.Generator) -> Tensor:
        players = cast(Adversaries, network.train())
        chosen = torch.randint(len(faces), (recipe.batch,), generator=generator, device=device)
        mirrored = torch.rand(recipe.batch, generator=generator, device=device) < 0.5
        real = faces[chosen]
        real = torch.where(mirrored[:, None, None, None], real.flip(3), real)
        known = real[: recipe.batch // 2]
        random = torch.randn(recipe.batch - len(known), LATENTS, generator=generator, device=device)
        drawn = players.generator(torch.cat([eigenfaces.encode(known), random]))
        returned = functional.l1_loss(drawn[: len(known)], known)
        return adversarial_loss(players.discriminator, real, drawn) + RETURNED * returned

    def validate(network: nn.Module) -> dict[str, float]:
        adversaries = cast(Adversaries, network)
        # The averaged weights make other feature maps than those whose statistics the batch norms have seen.
        update_bn(_latents(device), adversaries.generator, device)
        drawn = draw_faces(adversaries.generator.eval(), VALIDATED, torch.Generator().manual_seed(0), device)
        distance = frechet_distance(features(lite0, drawn), reference)
        return {"minus FID (Lite0's features, 512 faces)": -round(distance, 3)}

    plan = training.Plan(
        name=name,
        network=network,
        loss=loss,
        validate=validate,
        data=DATA,
        terms=TERMS,
        steps=args.steps or recipe.steps,
        learning_rate=recipe.learning_rate,
        warmup=100,
        averaging=0.998,
        validate_every=500,
        betas=(0.5, 0.999),
        exported="generator",
        unit="minus FID",
    )
    place = training.Place(
        weights=args.weights or WEIGHTS, checkpoints=args.checkpoints, seed=args.seed, device=device
    )
    return training.train(plan, place)


class Eigenfaces:
    """The first principal components of faces (Turk and Pentland, 1991), scaled to a variance of 1."""

    def __init__(self, faces: Tensor) -> None:
        """Of faces (N, 1, 64, 64), N at least `LATENTS` or as many as there are."""
        flat = faces.flatten(1)
        self._mean = flat.mean(0)
        count = min(LATENTS, len(flat))
        _left, spread, components = torch.pca_lowrank(flat, q=count, center=True, niter=2)
        scaled = components * (len(flat) - 1) ** 0.5 / spread
        self._components = functional.pad(scaled, (0, LATENTS - count))

    def encode(self, faces: Tensor) -> Tensor:
        """The latents (N, 96) of faces."""
        return (faces.flatten(1) - self._mean) @ self._components


def adversarial_loss(discriminator: nn.Module, real: Tensor, drawn: Tensor) -> Tensor:
    """Hinge losses (Lim and Ye, 2017) of both players, each of which has gradients for that player only."""
    on_real, on_drawn = discriminator(torch.cat([real, drawn.detach()])).chunk(2)
    discriminator.requires_grad_(False)
    fooled = discriminator(drawn)
    discriminator.requires_grad_(True)
    return (1 - on_real).relu().mean() + (1 + on_drawn).relu().mean() - fooled.mean()


def _latents(device: torch.device) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(0)
    for _ in range(16):
        yield torch.randn(64, LATENTS, generator=generator).to(device)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=NETWORKS)
    add_arguments(parser)
    arguments = parser.parse_args()
    main(arguments.name, arguments)
