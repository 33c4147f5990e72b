"""Measuring drawn faces against real ones that no network learned from: ``python -m ml evaluate gan-sample --data DIR``.

The FID of the papers compares features of Inception v3. This one compares those of EfficientNet-Lite0, which comes
with the package, on pictures enlarged to 128 pixels: its figures cannot be held against published FIDs. So it is
given for real faces and for blurred ones too.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.transforms.v2.functional import gaussian_blur

from ml.classification import LITE0
from ml.classification.networks import Lite0, load_lite0, normalised
from ml.core.cards import add_to_card
from ml.core.device import ready, torch_device
from ml.core.errors import InputError
from ml.core.metrics import read_pictures
from ml.gan import FACES
from ml.gan.networks import LATENTS, SIDE, Generator
from ml.gan.run import loaded

HELD_BACK = 10
"""Every tenth face is kept from training."""

FEATURE_SIDE = 128
BATCH = 64
BLUR = 1.0
"""Radius in pixels of the set that is given for scale."""


CARD = {
    "fid_lite0": "FID in EfficientNet-Lite0's features of {count:,} drawn faces against as many held-back ones",
    "fid_lite0_real": "the same of real faces",
    "fid_lite0_blurred": "the same of the held-back faces blurred by a pixel",
    "nearest": "RMSE of a drawn face to the nearest training face, of 255",
    "nearest_real": "RMSE of a held-back face to the nearest training face, of 255",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``ml evaluate gan-sample``."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of gray faces, 64x64")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--card", action="store_true", help="write what is measured into the card")
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu"
    )


def main(args: argparse.Namespace) -> dict[str, float]:
    """FID in Lite0's features, of as many drawn faces as are held back, of real ones and of blurred ones.

    `nearest` is the mean distance (RMSE of 8-bit values) of a drawn face to its nearest training face;
    `nearest_real`, that of a held-back face: a network that copies would be far below it.
    """
    device = torch_device(args.device)
    learned, held_back = read_faces(args.data, device)
    lite0 = feature_network(device)
    drawn = draw_faces(loaded(args.device), len(held_back), torch.Generator().manual_seed(args.seed), device)
    reference = features(lite0, held_back)
    real = learned[torch.linspace(0, len(learned) - 1, len(held_back), device=device).long()]
    blurred = gaussian_blur(held_back, [7, 7], [BLUR, BLUR])
    found = {
        "fid_lite0": round(frechet_distance(features(lite0, drawn), reference), 3),
        "fid_lite0_real": round(frechet_distance(features(lite0, real), reference), 3),
        "fid_lite0_blurred": round(frechet_distance(features(lite0, blurred), reference), 3),
        "nearest": round(nearest(drawn, learned), 2),
        "nearest_real": round(nearest(held_back, learned), 2),
    }
    if args.card:
        measured = {CARD[name].format(count=len(held_back)): figure for name, figure in found.items()}
        add_to_card(FACES.path().with_suffix(".json"), measured)
    return {**found, "images": len(held_back)}


def read_faces(folder: Path, device: torch.device) -> tuple[Tensor, Tensor]:
    """The faces to learn from and those held back, each (N, 1, 64, 64) in [0, 1]; raises `InputError`."""
    faces = []
    for name, pixels in read_pictures(folder):
        if pixels.shape != (1, SIDE, SIDE):
            raise InputError(
                f"{name} in {folder} is not gray or not {SIDE}x{SIDE}: give a folder of such faces."
            )
        faces.append(pixels)
    if len(faces) < 2 * HELD_BACK:
        raise InputError(f"{folder} holds {len(faces)} faces: give a folder of at least {2 * HELD_BACK}.")
    every = torch.stack(faces).to(device).float() / 255
    held_back = torch.arange(len(every), device=device) % HELD_BACK == HELD_BACK // 2
    return every[~held_back], every[held_back]


def feature_network(device: torch.device) -> Lite0:
    """EfficientNet-Lite0, ready."""
    return ready(load_lite0(LITE0.path()), device)


@torch.inference_mode()
def features(lite0: Lite0, faces: Tensor) -> Tensor:
    """What Lite0 sees in gray faces (N, 1, H, W): the means of its last feature maps, (N, 1280), float64."""
    return torch.cat([_features(lite0, batch) for batch in faces.split(BATCH)])


def _features(lite0: Lite0, faces: Tensor) -> Tensor:
    enlarged = functional.interpolate(
        faces, size=(FEATURE_SIDE, FEATURE_SIDE), mode="bilinear", antialias=True
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
def draw_faces(generator: Generator, count: int, source: torch.Generator, device: torch.device) -> Tensor:
    """Some faces (N, 1, 64, 64), as varied as in training."""
    latents = torch.randn(count, LATENTS, generator=source).to(device)
    return torch.cat([generator(batch) for batch in latents.split(BATCH)])


def nearest(faces: Tensor, others: Tensor) -> float:
    """The mean over the faces of the RMSE to the nearest other, of 8-bit values."""
    return 255 * float(torch.cat(list(_nearest(faces, others))).mean())


def _nearest(faces: Tensor, others: Tensor) -> Iterator[Tensor]:
    for batch in faces.split(BATCH):
        yield torch.cdist(batch.flatten(1), others.flatten(1)).min(1).values / SIDE
