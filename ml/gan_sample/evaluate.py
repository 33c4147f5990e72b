"""Measuring drawn pictures against real ones that no network learned from: ``python -m ml evaluate gan-sample --data DIR``.

The FID of the papers compares features of Inception v3. This one compares those of EfficientNet-Lite0, which comes
with the package, on pictures enlarged to 128 pixels: its figures cannot be held against published FIDs. So it is
given for real pictures and for blurred ones too.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from torchvision.transforms.v2.functional import gaussian_blur

from ml.classify import LITE0
from ml.classify.networks import Lite0, load_lite0, normalised
from ml.core.device import ready, torch_device
from ml.core.errors import InputError
from ml.core.metrics import read_pictures
from ml.core.model_cards import add_to_card
from ml.core.sheets import sheet
from ml.digits import mnist
from ml.gan_sample import GAP, WEIGHTS, Method
from ml.gan_sample.messages import NO_SUCH_FACE, TOO_FEW_FACES
from ml.gan_sample.networks import SHAPES, Generator, one_hot
from ml.gan_sample.run import loaded

HELD_BACK = 20
"""Every twentieth face is kept for choosing among weights, and another twentieth for measuring those chosen."""

MEASURED = 2000
"""Digits of MNIST's test part that are measured against, the first ones."""

FEATURE_SIDE = 128
BATCH = 64
BLUR = 1.0
"""Radius in pixels of the set that is given for scale."""

SHOWN = 8
"""Drawn pictures on the sheet that shows the nearest ones of training."""

CARD = {
    "fid_lite0": "FID in EfficientNet-Lite0's features of {count:,} drawn pictures against as many held-back ones",
    "fid_lite0_real": "the same of real pictures",
    "fid_lite0_blurred": "the same of the held-back pictures blurred by a pixel",
    "nearest": "RMSE of a drawn picture to the nearest one of training, of 255",
    "nearest_real": "RMSE of a held-back picture to the nearest one of training, of 255",
    "as_asked": "share of the drawn digits whose nearest one of training is the digit that was asked for",
    "as_asked_real": "the same of held-back digits",
}


@dataclass(frozen=True)
class Pictures:
    """Gray pictures (N, 1, side, side) in [0, 1], and the class of each, (N,); all 0 where there are no classes."""

    values: Tensor
    classes: Tensor

    def __getitem__(self, index: Tensor | slice) -> "Pictures":
        return Pictures(self.values[index], self.classes[index])

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Parts:
    """What networks learn from, by what they are chosen, and by what those chosen are measured: no picture twice."""

    learned: Pictures
    choosing: Pictures
    measuring: Pictures


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``ml evaluate gan-sample``."""
    parser.add_argument("--method", choices=WEIGHTS, default="faces")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="folder of gray faces, 64x64, or of MNIST"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--card",
        action="store_true",
        help="write what is measured into the card, and beside it drawn pictures with the nearest ones of training",
    )
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu"
    )


@torch.inference_mode()
def main(args: argparse.Namespace) -> dict[str, float]:
    """FID in Lite0's features, of as many drawn pictures as are held back, of real ones and of blurred ones.

    `nearest` is the mean distance (RMSE of 8-bit values) of a drawn picture to its nearest one of training;
    `nearest_real`, that of a held-back one: a network that copies would be far below it. `as_asked` is the share of
    drawn digits whose nearest one of training is the digit that was asked for; `as_asked_real` that of real digits.
    """
    device = torch_device(args.device)
    parts, lite0 = read_parts(args.method, args.data, device), feature_network(device)
    learned, real = parts.learned, parts.measuring
    source = torch.Generator().manual_seed(args.seed)
    drawn = draw(loaded(args.method, args.device), real.classes, source)
    others = learned[torch.linspace(0, len(learned) - 1, len(real), device=device).long()]
    blurred = gaussian_blur(real.values, [7, 7], [BLUR, BLUR])
    reference = features(lite0, real.values)
    found = {
        f"fid_lite0{name}": round(frechet_distance(features(lite0, values), reference), 3)
        for name, values in (("", drawn), ("_real", others.values), ("_blurred", blurred))
    }
    for name, values in (("", drawn), ("_real", real.values)):
        distances, neighbours = nearest(values, learned.values)
        found[f"nearest{name}"] = round(255 * float(distances.mean()), 2)
        if SHAPES[args.method].classes:
            right = learned.classes[neighbours] == real.classes
            found[f"as_asked{name}"] = round(float(right.float().mean()), 4)
    if args.card:
        card = WEIGHTS[args.method].path().with_suffix(".json")
        add_to_card(card, {CARD[name].format(count=len(real)): figure for name, figure in found.items()})
        neighbours_of(drawn[:SHOWN], learned.values).save(card.with_name(f"{card.stem}-nearest.webp"))
    return {**found, "images": len(real)}


def read_parts(method: Method, folder: Path, device: torch.device) -> Parts:
    """The pictures that a method's networks are trained, chosen and measured by; raises `InputError`."""
    if method == "faces":
        every = _read_faces(folder, device)
        turn = torch.arange(len(every), device=device) % HELD_BACK
        choosing, measuring = turn == HELD_BACK // 4, turn == 3 * HELD_BACK // 4
        return Parts(every[~(choosing | measuring)], every[choosing], every[measuring])
    test = Pictures(*(each[:MEASURED].to(device) for each in mnist.read_digits(folder, "t10k")))
    learned, choosing_from = (
        Pictures(*(each.to(device) for each in part)) for part in mnist.read_parted(folder)
    )
    return Parts(learned, choosing_from, test)


def _read_faces(folder: Path, device: torch.device) -> Pictures:
    faces, side = [], SHAPES["faces"].side
    for name, pixels in read_pictures(folder):
        if pixels.shape != (1, side, side):
            raise InputError(NO_SUCH_FACE, name=name, folder=str(folder), side=side)
        faces.append(pixels)
    if len(faces) < 2 * HELD_BACK:
        raise InputError(TOO_FEW_FACES, folder=str(folder), count=len(faces), least=2 * HELD_BACK)
    values = torch.stack(faces).to(device).float() / 255
    return Pictures(values, torch.zeros(len(values), dtype=torch.long, device=device))


def feature_network(device: torch.device) -> Lite0:
    """EfficientNet-Lite0, ready."""
    return ready(load_lite0(LITE0.path()), device)


@torch.inference_mode()
def features(lite0: Lite0, pictures: Tensor) -> Tensor:
    """What Lite0 sees in gray pictures (N, 1, H, W): the means of its last feature maps, (N, 1280), float64."""
    return torch.cat([_features(lite0, batch) for batch in pictures.split(BATCH)])


def _features(lite0: Lite0, pictures: Tensor) -> Tensor:
    enlarged = functional.interpolate(
        pictures, size=(FEATURE_SIDE, FEATURE_SIDE), mode="bilinear", antialias=True
    )
    return lite0.features(normalised(enlarged.expand(-1, 3, -1, -1))).mean((2, 3)).double()


def frechet_distance(drawn: Tensor, real: Tensor) -> float:
    """Between normal distributions fitted to features (N, F) (Heusel et al., 2017)."""
    first, second = ((each - each.mean(0)) / (len(each) - 1) ** 0.5 for each in (drawn, real))
    # With covariances A'A and B'B, the trace of the root of their product is the sum of the singular values of AB'.
    cross = torch.linalg.svdvals(first @ second.T).sum()
    means = (drawn.mean(0) - real.mean(0)).square().sum()
    return float(means + first.square().sum() + second.square().sum() - 2 * cross)


@torch.inference_mode()
def draw(generator: Generator, classes: Tensor, source: torch.Generator) -> Tensor:
    """A picture of each of the classes (N,), as varied as in training: (N, 1, side, side)."""
    shape = generator.shape
    numbers = torch.randn(len(classes), shape.latents, generator=source).to(classes.device)
    codes = torch.cat([numbers, one_hot(classes, shape)], dim=1)
    return torch.cat([generator(batch) for batch in codes.split(BATCH)])


def nearest(pictures: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """For each of the pictures (N, 1, H, W) the RMSE to its nearest other, and which one that is; each (N,)."""
    found = [torch.cdist(batch.flatten(1), others.flatten(1)).min(dim=1) for batch in pictures.split(BATCH)]
    distances = torch.cat([each.values for each in found]) / pictures[0].numel() ** 0.5
    return distances, torch.cat([each.indices for each in found])


def neighbours_of(drawn: Tensor, learned: Tensor) -> Image.Image:
    """Drawn pictures (N, 1, H, W), and below each the one of training that is nearest to it."""
    _distances, neighbours = nearest(drawn, learned)
    both = torch.cat([drawn, learned[neighbours]])[:, 0].cpu().numpy()
    return sheet(both, len(drawn), GAP, ground=1.0).to_pillow()
