"""Training of the generators: ``python -m ml train gan-faces --data DIR`` and ``python -m ml train gan-digits --data DIR``.

DIR holds gray faces of 64x64 pixels, or MNIST's four .gz files. What is held back is parted: see `Parts`.

On a CPU an adversary alone teaches faces too slowly. So half of their latents are the whitened principal components of
real faces, which are spread much like a standard normal, and the generator also has to give those faces back: a VAE/GAN
(Larsen et al., "Autoencoding beyond pixels using a learned similarity metric", 2016) with a linear encoder.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import update_bn

from ml.core import training
from ml.digits import mnist
from ml.gan_sample import Method
from ml.gan_sample.evaluate import Parts, draw, feature_network, features, frechet_distance, read_parts
from ml.gan_sample.networks import SHAPES, Adversaries, Shape, one_hot

WEIGHTS = Path(__file__).parent / "weights"
VALIDATED = 512
"""Pictures drawn for a validation."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the two are trained."""

    method: Method
    steps: int
    learning_rate: float
    batch: int
    data: str
    terms: str
    returned: float = 0.0
    """Weight of the mean absolute error of the pictures given back; where it is 0, none is asked for."""
    mirrored: bool = False
    """Whether a picture's mirror image is as good."""
    augmented: bool = False
    """Whether the discriminator sees pictures as `augmented` changes them only, so that it cannot learn them by heart."""


NETWORKS: Mapping[str, Recipe] = {
    "gan-faces": Recipe(
        method="faces",
        steps=12_000,
        learning_rate=4e-4,
        batch=32,
        data="13,156 gray faces of Labeled Faces in the Wild, 64x64, every tenth held back",
        terms="Labeled Faces in the Wild (Huang et al., 2007): research use",
        returned=4.0,
        mirrored=True,
        augmented=True,
    ),
    "gan-digits": Recipe(
        method="digits", steps=2500, learning_rate=5e-4, batch=64, data=mnist.DATA, terms=mnist.TERMS
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``ml train`` for these networks."""
    training.add_arguments(parser)


def main(name: str, args: argparse.Namespace) -> dict[str, object]:
    """Train one of NETWORKS; returns its card."""
    recipe = NETWORKS[name]
    device = torch.device(args.device)
    torch.manual_seed(args.seed)
    network = Adversaries(SHAPES[recipe.method])
    parts = read_parts(recipe.method, args.data, device)
    plan = training.Plan(
        name=name,
        network=network,
        loss=Game(recipe, parts),
        validate=Judge(parts),
        data=recipe.data,
        terms=recipe.terms,
        steps=args.steps or recipe.steps,
        learning_rate=recipe.learning_rate,
        warmup=100,
        averaging=0.998,
        validate_every=500,
        betas=(0.5, 0.999),
        exported="generator",
        unit="minus FID",
    )
    return training.train(plan, training.Place.of(args, WEIGHTS))


class Game:
    """The loss of both players on a batch that it draws."""

    def __init__(self, recipe: Recipe, parts: Parts) -> None:
        self._recipe = recipe
        self._learned = parts.learned
        self._shape = SHAPES[recipe.method]
        self._eigenpictures = (
            Eigenpictures(parts.learned.values, self._shape.latents) if recipe.returned else None
        )

    def __call__(self, network: nn.Module, generator: torch.Generator) -> Tensor:
        players = cast(Adversaries, network.train())
        count, device = self._recipe.batch, self._learned.values.device
        batch = self._learned[torch.randint(len(self._learned), (count,), generator=generator, device=device)]
        real, classes = batch.values, one_hot(batch.classes, self._shape)
        if self._recipe.mirrored:
            turned = torch.rand(count, generator=generator, device=device) < 0.5
            real = torch.where(turned[:, None, None, None], real.flip(3), real)
        latents = torch.randn(count, self._shape.latents, generator=generator, device=device)
        known = real[: count // 2]
        if self._eigenpictures:
            latents[: len(known)] = self._eigenpictures.encode(known)
        drawn = players.generator(torch.cat([latents, classes], dim=1))
        augment = partial(augmented, generator=generator) if self._recipe.augmented else None
        loss = adversarial_loss(players.discriminator, real, drawn, classes, augment)
        if self._eigenpictures:
            loss = loss + self._recipe.returned * functional.l1_loss(drawn[: len(known)], known)
        return loss


class Judge:
    """Minus the FID of drawn pictures against those held back for choosing."""

    def __init__(self, parts: Parts) -> None:
        self._pictures = parts.choosing[:VALIDATED]
        self._lite0 = feature_network(parts.choosing.values.device)
        self._reference = features(self._lite0, parts.choosing.values)

    def __call__(self, network: nn.Module) -> dict[str, float]:
        generator, classes = cast(Adversaries, network).generator, self._pictures.classes
        # The averaged weights make other feature maps than those whose statistics the batch norms have seen.
        update_bn(_codes(generator.shape, classes.device), generator, classes.device)
        drawn = draw(generator.eval(), classes, torch.Generator().manual_seed(0))
        distance = frechet_distance(features(self._lite0, drawn), self._reference)
        return {f"minus FID (Lite0's features, {len(drawn)} pictures)": -round(distance, 3)}


class Eigenpictures:
    """The first principal components of pictures (Turk and Pentland, 1991), scaled to a variance of 1."""

    def __init__(self, pictures: Tensor, latents: int) -> None:
        """Of pictures (N, 1, H, W), N at least `latents` or as many as there are."""
        flat = pictures.flatten(1)
        self._mean = flat.mean(0)
        count = min(latents, len(flat))
        _left, spread, components = torch.pca_lowrank(flat, q=count, center=True, niter=2)
        scaled = components * (len(flat) - 1) ** 0.5 / spread
        self._components = functional.pad(scaled, (0, latents - count))

    def encode(self, pictures: Tensor) -> Tensor:
        """The latents of pictures, (N, latents)."""
        return (pictures.flatten(1) - self._mean) @ self._components


def adversarial_loss(
    discriminator: nn.Module,
    real: Tensor,
    drawn: Tensor,
    classes: Tensor,
    augment: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Hinge losses (Lim and Ye, 2017) of both players, each of which has gradients for that player only.

    Real pictures and drawn ones (N, 1, H, W) are of the same classes, as `one_hot` gives them.
    """
    augment = augment or nn.Identity()
    both = augment(torch.cat([real, drawn.detach()]))
    on_real, on_drawn = discriminator(both, classes.repeat(2, 1)).chunk(2)
    discriminator.requires_grad_(False)
    fooled = discriminator(augment(drawn), classes)
    discriminator.requires_grad_(True)
    return (1 - on_real).relu().mean() + (1 + on_drawn).relu().mean() - fooled.mean()


def augmented(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures (N, 1, side, side) made brighter, flatter and shifted at random, with gradients.

    DiffAugment (Zhao et al., NeurIPS 2020): real and drawn ones alike, and the generator learns through it, so that
    what is drawn looks like none of it. Its holes are left out, its shifts halved and their edges mirrored: black
    edges that move hid from a discriminator of this size all that it should see.
    """
    count, side = len(pictures), pictures.shape[-1]
    reach = side // 32
    draws = torch.rand(4, count, 1, 1, 1, generator=generator, device=pictures.device)
    pictures = pictures + (draws[0] - 0.5) / 2
    means = pictures.mean((1, 2, 3), keepdim=True)
    pictures = (pictures - means) * (draws[1] + 0.5) + means
    padded = functional.pad(pictures, [reach] * 4, mode="reflect")
    places = (draws[2:].reshape(2, count) * (2 * reach + 1)).long().T.tolist()
    shifted = [
        each[:, top : top + side, left : left + side]
        for each, (top, left) in zip(padded, places, strict=True)
    ]
    return torch.stack(shifted)


def _codes(shape: Shape, device: torch.device) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(0)
    for _ in range(16):
        latents = torch.randn(64, shape.latents, generator=generator)
        kinds = one_hot(torch.arange(64) % max(1, shape.classes), shape)
        yield torch.cat([latents, kinds], dim=1).to(device)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=NETWORKS)
    add_arguments(parser)
    arguments = parser.parse_args()
    main(arguments.name, arguments)
