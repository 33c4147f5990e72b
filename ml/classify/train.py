"""Training of the cats-and-dogs networks: ``python -m ml train cats-vs-dogs --data DIR``.

DIR holds pictures whose names begin with “cat” or “dog”. Every tenth of each is held back for validation.
"""

import argparse
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from ml.classify import LITE0
from ml.classify.messages import NO_CATS_OR_DOGS
from ml.classify.networks import CHANNELS, FEWER_CHANNELS, Lite0, SmallCNN, Tail, load_lite0, normalised
from ml.core import training
from ml.core.errors import InputError
from ml.core.formats import PICTURE_SUFFIXES
from ml.core.model_cards import write_card

WEIGHTS = Path(__file__).parent / "weights"
DATA = "4,000 pictures of Kaggle's Dogs vs. Cats (2013), 200x200, every tenth held back"
TERMS = "Kaggle Dogs vs. Cats 2013: the competition's rules, research and education"
CLASSES = ("cat", "dog")
BATCH = 64


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one network is trained."""

    steps: int
    learning_rate: float
    channels: Sequence[int] = ()
    """Of the network from scratch; none for the tail of Lite0."""
    dropout: float = 0.0
    augmented: bool = True


EPOCH = 3600 // BATCH
"""Steps in which as many pictures are drawn as there are to learn from."""

NETWORKS: Mapping[str, Recipe] = {
    "cats-vs-dogs": Recipe(steps=300, learning_rate=3e-4),
    "cats-vs-dogs-scratch": Recipe(steps=50 * EPOCH, learning_rate=2e-3, channels=CHANNELS, dropout=0.3),
    "cats-vs-dogs-scratch-plain": Recipe(
        steps=50 * EPOCH, learning_rate=2e-3, channels=CHANNELS, augmented=False
    ),
    "cats-vs-dogs-scratch-small": Recipe(
        steps=50 * EPOCH, learning_rate=2e-3, channels=FEWER_CHANNELS, augmented=False
    ),
}
RUNS = {
    "cats-vs-dogs-scratch-plain": "plain",
    "cats-vs-dogs-scratch-small": "a ninth of the parameters",
    "cats-vs-dogs-scratch": "augmentation and dropout",
}
"""The networks from scratch, whose curves are drawn side by side."""

HELD_BACK, LEARNED = "accuracy", "accuracy on what it learned from"
VIEWS = 2
"""Of each picture that the tail learns from: the middle as it is, and one that is augmented."""


@dataclass(frozen=True)
class Examples:
    """Pictures, or features of them, (N, …), and which of `CLASSES` each is, (N,)."""

    values: Tensor
    classes: Tensor

    def parted(self) -> tuple["Examples", "Examples"]:
        """To learn from, and held back: every tenth."""
        held_back = torch.arange(len(self.classes), device=self.classes.device) % 10 == 5
        return self[~held_back], self[held_back]

    def __getitem__(self, index: Tensor) -> "Examples":
        return Examples(self.values[index], self.classes[index])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``ml train`` for these networks."""
    training.add_arguments(parser)


def main(name: str, args: argparse.Namespace) -> dict[str, object]:
    """Train one of NETWORKS; returns its card."""
    recipe = NETWORKS[name]
    device = torch.device(args.device)
    torch.manual_seed(args.seed)
    steps = args.steps or recipe.steps
    plan = (from_scratch if recipe.channels else transfer)(name, recipe, args.data, steps, device)
    place = training.Place.of(args, WEIGHTS)
    card = training.train(plan, place)
    if name in RUNS:
        card = keep_curves(place, card)
        draw_runs(place.weights)
    return card


def keep_curves(place: training.Place, card: dict[str, object]) -> dict[str, object]:
    """Put the accuracy of every epoch into the card: the weights are those of the best epoch, the curves go on."""
    state = torch.load(place.checkpoints / f"{card['name']}.pt", weights_only=True)["state"]
    curves: dict[str, list[float]] = {"epoch": [round(step / EPOCH, 2) for step, _ in state["validations"]]}
    for figure in (HELD_BACK, LEARNED):
        curves[figure] = [figures[figure] for _, figures in state["validations"]]
    card = {**card, "curves": curves}
    write_card(place.weights / f"{card['name']}.json", card)
    return card


def draw_runs(folder: Path) -> None:
    """Beside each card from scratch the curves of all runs, so that over-fitting and its cure are seen together."""
    found = [name for name in RUNS if (folder / f"{name}.json").is_file()]
    figure = Figure(figsize=(10, 4), layout="constrained")
    panels = figure.subplots(1, len(found), sharey=True, squeeze=False)[0]
    for name, panel in zip(found, panels, strict=True):
        curves = json.loads((folder / f"{name}.json").read_text("utf-8")).get("curves", {})
        if curves:
            panel.plot(curves["epoch"], curves[LEARNED], label="pictures it learned from")
            panel.plot(curves["epoch"], curves[HELD_BACK], label="held-back pictures")
        panel.set(title=RUNS[name], xlabel="epoch")
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.grid(alpha=0.3)
    panels[0].set(ylabel="accuracy", ylim=(0.5, 1))
    panels[0].legend(loc="lower right")
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=100)
    for name in found:
        (folder / f"{name}.png").write_bytes(drawn.getvalue())


def from_scratch(name: str, recipe: Recipe, folder: Path, steps: int, device: torch.device) -> training.Plan:
    """The small CNN, on pictures of 112 pixels that are held in memory."""
    learned, held_back = read_examples(folder, SmallCNN.SIZE, device).parted()

    def loss(network: nn.Module, generator: torch.Generator) -> Tensor:
        batch = draw(learned, generator)
        images = batch.values.float() / 255
        images = augmented(images, generator) if recipe.augmented else images
        return functional.cross_entropy(network.train()(normalised(images)), batch.classes)

    def validate(network: nn.Module) -> dict[str, float]:
        seen = learned[torch.arange(0, len(learned.classes), 9, device=device)]
        figures = {HELD_BACK: held_back, LEARNED: seen}
        return {
            figure: accuracy(network, examples, lambda values: normalised(values.float() / 255))
            for figure, examples in figures.items()
        }

    return training.Plan(
        name=name,
        network=SmallCNN(recipe.channels, recipe.dropout),
        loss=loss,
        validate=validate,
        data=DATA,
        terms=TERMS,
        steps=steps,
        learning_rate=recipe.learning_rate,
        warmup=100,
        averaging=0.99,
        unit="accuracy",
        validate_every=EPOCH,
    )


def transfer(name: str, recipe: Recipe, folder: Path, steps: int, device: torch.device) -> training.Plan:
    """The tail of Lite0, on what the blocks before it make of the pictures, which is computed once."""
    lite0 = load_lite0(LITE0.path()).to(device).to(memory_format=torch.channels_last).eval()
    pictures = read_examples(folder, Lite0.SIZE, device)
    views = [_features(lite0, pictures.values, None)]
    generator = torch.Generator(device).manual_seed(0)
    views += [_features(lite0, pictures.values, generator) for _ in range(VIEWS - 1)]
    learned, held_back = Examples(torch.stack(views, dim=1), pictures.classes).parted()

    def loss(network: nn.Module, generator: torch.Generator) -> Tensor:
        batch = draw(learned, generator)
        chosen = torch.randint(VIEWS, (BATCH,), generator=generator, device=device)
        features = batch.values[torch.arange(BATCH, device=device), chosen].float()
        return functional.cross_entropy(network(features), batch.classes, label_smoothing=0.05)

    def validate(network: nn.Module) -> dict[str, float]:
        figures = {HELD_BACK: held_back, LEARNED: learned}
        return {
            figure: accuracy(network, examples, lambda values: values[:, 0].float())
            for figure, examples in figures.items()
        }

    return training.Plan(
        name=name,
        network=Tail(lite0, len(CLASSES)),
        loss=loss,
        validate=validate,
        data=DATA,
        terms=TERMS,
        steps=steps,
        learning_rate=recipe.learning_rate,
        warmup=50,
        averaging=0.99,
        unit="accuracy",
        validate_every=50,
    )


def read_examples(folder: Path, size: int, device: torch.device) -> Examples:
    """All pictures of a folder as uint8 (N, 3, size, size): the middle square, shrunk; raises `InputError`."""
    paths = labelled(folder)
    pixels = [
        np.asarray(_middle(Image.open(path).convert("RGB")).resize((size, size), Image.Resampling.BICUBIC))
        for path in paths
    ]
    classes = [CLASSES.index(path.name[:3].lower()) for path in paths]
    values = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous()
    return Examples(values.to(device), torch.tensor(classes, device=device))


def labelled(folder: Path) -> list[Path]:
    """The pictures whose names begin with a class, in order; raises `InputError` where there is none."""
    paths = [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in PICTURE_SUFFIXES and path.name[:3].lower() in CLASSES
    ]
    if not paths:
        raise InputError(NO_CATS_OR_DOGS, folder=str(folder))
    return paths


def draw(examples: Examples, generator: torch.Generator) -> Examples:
    """A batch, with replacement."""
    count, device = len(examples.classes), examples.classes.device
    return examples[torch.randint(count, (BATCH,), generator=generator, device=device)]


def augmented(images: Tensor, generator: torch.Generator) -> Tensor:
    """Flipped, shifted, scaled, turned and lit differently, each of (N, 3, H, W) in [0, 1] in its own way."""
    count, device = len(images), images.device

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator, device=device)

    angle, scale = uniform(-0.25, 0.25), uniform(0.7, 1.1)
    flip = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    rows = [cosine * flip, -sine, uniform(-0.15, 0.15), sine * flip, cosine, uniform(-0.15, 0.15)]
    grid = functional.affine_grid(
        torch.stack(rows, dim=1).view(count, 2, 3), list(images.shape), align_corners=False
    )
    moved = functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    gain, tint = (
        uniform(0.75, 1.25)[:, None, None, None],
        1 + 0.08 * torch.randn(count, 3, 1, 1, generator=generator, device=device),
    )
    return ((moved - 0.5) * gain * tint + 0.5 + uniform(-0.1, 0.1)[:, None, None, None]).clamp(0, 1)


@torch.inference_mode()
def accuracy(network: nn.Module, examples: Examples, prepared: Callable[[Tensor], Tensor]) -> float:
    """The share of the examples that a network tells right."""
    right = 0
    for index in torch.arange(len(examples.classes), device=examples.classes.device).split(256):
        batch = examples[index]
        right += int((network(prepared(batch.values)).argmax(1) == batch.classes).sum())
    return round(right / len(examples.classes), 4)


@torch.inference_mode()
def _features(lite0: Lite0, pictures: Tensor, generator: torch.Generator | None) -> Tensor:
    """Of uint8 pictures (N, 3, H, W), as float16; augmented with a generator."""
    found = []
    for batch in tqdm(pictures.split(50), desc="features", unit="batch", mininterval=2):
        images = batch.float() / 255
        images = images if generator is None else augmented(images, generator)
        found.append(lite0.before(normalised(images), Tail.FIRST).half())
    return torch.cat(found)


def _middle(image: Image.Image) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))
