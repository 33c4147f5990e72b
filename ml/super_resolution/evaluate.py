"""Measuring super-resolution as the papers do: ``python -m ml evaluate super-resolution``."""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from ml.core import training
from ml.core.metrics import Score, luminance_score, mean_score, quantise, read_pictures
from ml.core.resampling import luminance, resize_bicubic
from ml.super_resolution.networks import FSRCNN, SCALES, SRCNN, LatentSR

WEIGHTS = Path(__file__).parent / "weights"
SETS = ("set5", "set14", "bsd100")

Enlarge = Callable[[Tensor], Tensor]
"""From Y (1, H, W) in [0, 1] to Y (1, H scale, W scale)."""


def _network(build: Callable[[], nn.Module], name: str) -> nn.Module:
    return training.load_weights(build(), WEIGHTS / f"{name}.safetensors").eval()


def fsrcnn(scale: int, device: torch.device) -> Enlarge:
    """FSRCNN at one scale."""
    return _at_scale(_network(FSRCNN, "fsrcnn"), scale, device)


def latent_sr(scale: int, device: torch.device) -> Enlarge:
    """Our compact network at one scale."""
    return _at_scale(_network(LatentSR, "latent-sr"), scale, device)


def srcnn(scale: int, device: torch.device) -> Enlarge:
    """SRCNN of one scale, behind the bicubic."""
    network = _network(SRCNN, f"srcnn-x{scale}").to(device).to(memory_format=torch.channels_last)
    return lambda image: cast(Tensor, network(resize_bicubic(image, scale)[None])[0])


def _at_scale(network: nn.Module, scale: int, device: torch.device) -> Enlarge:
    network.to(device).to(memory_format=torch.channels_last)
    return lambda image: cast(Tensor, network(image[None], scale)[0])


METHODS: Mapping[str, Callable[[int, torch.device], Enlarge]] = {
    "bicubic": lambda scale, device: lambda image: resize_bicubic(image, scale),
    "srcnn": srcnn,
    "fsrcnn": fsrcnn,
    "latent-sr": latent_sr,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``ml evaluate super-resolution``."""
    parser.add_argument("--method", choices=METHODS, default="latent-sr")
    parser.add_argument("--scale", type=int, choices=SCALES, default=2)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of ground truth")
    parser.add_argument("--device", choices=("cpu", "cuda"), default=training.default_device())
    parser.add_argument(
        "--card",
        action="store_true",
        help=f"measure the method at all scales on {', '.join(SETS)} in DIR, and write that into its card",
    )


def main(args: argparse.Namespace) -> Mapping[str, object]:
    """Mean PSNR (dB) and SSIM over a folder and the number of its images; with ``--card`` of all sets."""
    device = torch.device(args.device)
    if not args.card:
        return measure(args.method, args.scale, args.data, device)
    measured: dict[str, object] = {}
    for scale in SCALES:
        figures = {f"{name} x{scale}": measure(args.method, scale, args.data / name, device) for name in SETS}
        weights = f"srcnn-x{scale}" if args.method == "srcnn" else args.method
        training.add_to_card(WEIGHTS / f"{weights}.json", figures)
        measured |= figures
    return measured


def measure(method: str, scale: int, folder: Path, device: torch.device) -> dict[str, float | None]:
    """Mean PSNR (dB) and SSIM of a method over a folder, and how many images that were."""
    pictures = [picture for _, picture in read_pictures(folder)]
    with torch.inference_mode():
        score = score_luminance(METHODS[method](scale, device), scale, pictures, device)
    return {**asdict(score), "images": len(pictures)}


def score_luminance(enlarge: Enlarge, scale: int, pictures: Sequence[Tensor], device: torch.device) -> Score:
    """Mean PSNR and SSIM of uint8 (C, H, W) pictures by the protocol of SRCNN and those after it.

    Y rounded to 8 bits, made small by MATLAB's bicubic (and not rounded), enlarged, rounded, ``scale`` pixels
    shaved from each border.
    """

    def score(picture: Tensor) -> Score:
        y = quantise(luminance(picture.double() / 255))
        y = y[:, : y.shape[1] // scale * scale, : y.shape[2] // scale * scale]
        small = resize_bicubic(y, 1 / scale).float().to(device)
        return luminance_score(enlarge(small).double().cpu(), y, scale)

    return mean_score([score(picture) for picture in pictures])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    print(json.dumps(main(parser.parse_args())))
