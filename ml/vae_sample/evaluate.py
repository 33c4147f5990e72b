"""Measuring the autoencoders on MNIST's test part: ``python -m ml evaluate vae-sample --method vae-16 --data DIR``.

As in the papers, each pixel is drawn as 0 or 1 with the probability of its gray value, here with a fixed seed, and
the bound takes one code for each image.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import torch

from ml.core.device import torch_device
from ml.core.model_cards import add_to_card
from ml.digits.mnist import read_digits
from ml.vae_sample import WEIGHTS, Method
from ml.vae_sample.networks import binarised, negative_elbo
from ml.vae_sample.run import loaded

BATCH = 500
PUBLISHED = {
    "vae-16": "published: fully connected 90.85, convolutional 86.47",
    "vae-2": "a published convolutional one of two numbers: 155.9",
}
"""For comparison on the cards; the papers' codes have more numbers than 16."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``ml evaluate vae-sample``."""
    parser.add_argument("--method", choices=get_args(Method), default="vae-16")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="folder of MNIST's four .gz files"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the pixels and the codes")
    parser.add_argument("--card", action="store_true", help="write what is measured into the card")
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu"
    )


@torch.inference_mode()
def main(args: argparse.Namespace) -> dict[str, float]:
    """Nats an image: the negative ELBO and its share for the reconstruction, which is all that a plain one has."""
    network, device = loaded(args.method, args.device), torch_device(args.device)
    generator = torch.Generator(device).manual_seed(args.seed)
    images, _digits = read_digits(args.data, "t10k")
    costs = [
        torch.stack(negative_elbo(network, binarised(batch, generator), generator)).cpu()
        for batch in images.to(device).split(BATCH)
    ]
    reconstruction, divergence = (float(each) for each in torch.cat(costs, dim=1).double().mean(1))
    found: dict[str, float] = (
        {"negative_elbo": round(reconstruction + divergence, 3)} if network.variational else {}
    )
    found |= {"reconstruction": round(reconstruction, 3), "images": len(images)}
    if args.card:
        add_to_card(WEIGHTS[args.method].path().with_suffix(".json"), _on_card(args.method, found))
    return found


def _on_card(method: Method, found: Mapping[str, float]) -> dict[str, float]:
    """The figures by what a person reads."""
    measured = {"nats a digit for the reconstruction (MNIST test, 10,000 digits)": found["reconstruction"]}
    if "negative_elbo" in found:
        measured[f"negative ELBO in nats (MNIST test; {PUBLISHED[method]})"] = found["negative_elbo"]
    return measured
