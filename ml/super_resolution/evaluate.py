"""Measuring super-resolution as the papers do: ``python -m ml evaluate super-resolution``."""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from ml.core.device import default_device, torch_device
from ml.core.metrics import Score, luminance_score, mean_score, quantise, read_pictures
from ml.core.model_cards import add_to_card
from ml.core.resampling import luminance, resize_bicubic
from ml.core.weights import Bundled
from ml.super_resolution import TILES
from ml.super_resolution.params import SCALES, Single
from ml.super_resolution.run import COLOR, enlarger, weights_of

SETS = ("set5", "set14", "bsd100")

Enlarge = Callable[[Tensor], Tensor]
"""From (C, H, W) in [0, 1] to (C, H scale, W scale)."""


def enlargement(method: Single, scale: int, device: str) -> Enlarge:
    """A method at one scale, as a function; raises `ParamsError` where it has not been trained for it."""
    if method == "bicubic":
        return lambda image: resize_bicubic(image, scale)
    _, enlarge = enlarger(method, scale, device)
    return lambda image: enlarge(image[None])[0]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``ml evaluate super-resolution``."""
    parser.add_argument("--method", choices=TILES, default="latent-sr")
    parser.add_argument("--scale", type=int, choices=SCALES, default=2)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of ground truth")
    parser.add_argument("--device", choices=("cpu", "cuda"), default=default_device())
    parser.add_argument(
        "--card",
        action="store_true",
        help=f"measure the method at all scales on {', '.join(SETS)} in DIR, and write that into its card",
    )


def main(args: argparse.Namespace) -> Mapping[str, object]:
    """Mean PSNR (dB) and SSIM over a folder and the number of its images; with ``--card`` of all sets."""
    if not args.card:
        return measure(args.method, args.scale, args.data, args.device)
    measured: dict[str, object] = {}
    for scale in SCALES:
        figures = {
            f"{name} x{scale}": measure(args.method, scale, args.data / name, args.device) for name in SETS
        }
        for weights in weights_of(args.method, scale):
            if isinstance(weights.source, Bundled):
                add_to_card(weights.path().with_suffix(".json"), figures)
        measured |= figures
    return measured


def measure(method: Single, scale: int, folder: Path, device: str) -> dict[str, float | None]:
    """Mean PSNR (dB) and SSIM of a method over a folder, and how many images that were."""
    pictures = [picture for _, picture in read_pictures(folder)]
    enlarge = enlargement(method, scale, device)
    with torch.inference_mode():
        score = score_luminance(enlarge, scale, pictures, torch_device(device), color=method in COLOR)
    return {**asdict(score), "images": len(pictures)}


def score_luminance(
    enlarge: Enlarge, scale: int, pictures: Sequence[Tensor], device: torch.device, color: bool = False
) -> Score:
    """Mean PSNR and SSIM on BT.601 Y of uint8 (C, H, W) pictures, by the protocol in which such networks are published.

    All are cut to a multiple of `scale`, made small by MATLAB's bicubic, and lose `scale` pixels at each border. A method
    for `color` is measured as EDSR and SPAN are (Lim et al., CVPRW 2017; the tests of BasicSR), which is from file to
    file: RGB rounded to 8 bits goes in and comes out, and a gray picture is three equal channels. Others are measured as
    SRCNN and FSRCNN are (Dong et al., TPAMI 2016, ECCV 2016): Y rounded to 8 bits is made small, and not rounded before
    it is enlarged.
    """
    protocol = _score_color if color else _score_luminance

    def score(picture: Tensor) -> Score:
        image = picture[:, : picture.shape[1] // scale * scale, : picture.shape[2] // scale * scale]
        return protocol(
            lambda small: enlarge(small.float().to(device)).double().cpu(), scale, image.double() / 255
        )

    return mean_score([score(picture) for picture in pictures])


def _score_luminance(enlarge: Enlarge, scale: int, image: Tensor) -> Score:
    y = quantise(luminance(image))
    return luminance_score(quantise(enlarge(resize_bicubic(y, 1 / scale))), y, scale)


def _score_color(enlarge: Enlarge, scale: int, image: Tensor) -> Score:
    """Y of the two is not rounded once more: nobody sees it, and a picture this near would lose by it."""
    rgb = image.expand(3, -1, -1)
    enlarged = quantise(enlarge(quantise(resize_bicubic(rgb, 1 / scale))))
    return luminance_score(enlarged, rgb, scale, rounded=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    print(json.dumps(main(parser.parse_args())))
