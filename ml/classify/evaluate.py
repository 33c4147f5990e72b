"""Measuring classifiers on pictures of cats and dogs: ``python -m ml evaluate classify --method imagenet --data DIR``.

A picture is what its name begins with, “cat” or “dog”. `imagenet` says what its best cat class or best dog class says.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from ml.classify.run import CLASSIFIERS, loaded, scores
from ml.classify.train import CLASSES, labelled
from ml.core.device import torch_device
from ml.core.model_cards import add_to_card
from ml.core.reading import read_picture
from ml.core.weights import Bundled

GROUPS: Mapping[str, Sequence[Sequence[int]]] = {
    "imagenet": (range(281, 286), range(151, 269)),
}
"""By method whose classes are not cat and dog, the classes that are cats (of ImageNet: tabby to Egyptian cat) and dogs (Chihuahua to Mexican hairless)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``ml evaluate classify``."""
    parser.add_argument("--method", choices=CLASSIFIERS, default="imagenet")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="folder of cat… and dog… pictures"
    )
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu"
    )
    parser.add_argument("--card", action="store_true", help="write what is measured into the method's card")


def main(args: argparse.Namespace) -> dict[str, float]:
    """The share of a folder's pictures that are told right."""
    network, device = loaded(args.method, args.device), torch_device(args.device)
    paths, right = labelled(args.data), 0
    groups = GROUPS.get(args.method, ((0,), (1,)))
    with torch.inference_mode():
        for path in paths:
            shares = scores(network, read_picture(path).rgb(), CLASSIFIERS[args.method].crop, device)
            best = [float(shares[list(group)].max()) for group in groups]
            right += CLASSES[best.index(max(best))] == path.name[:3].lower()
    accuracy = round(right / len(paths), 4)
    if args.card:
        figure = f"accuracy ({args.data.resolve().parent.name}/{args.data.name}, {len(paths):,} pictures)"
        for weights in CLASSIFIERS[args.method].weights:
            if isinstance(weights.source, Bundled):
                add_to_card(weights.path().with_suffix(".json"), {figure: accuracy})
    return {"accuracy": accuracy, "images": len(paths)}
