"""Measuring denoisers as the papers do, ``python -m ml evaluate denoise``, and on what people's pictures have.

With ``--noise camera`` it is the noise of a small sensor, with ``--noise jpeg --quality Q`` what a JPEG did, to which
``--sigma`` adds noise before. The methods are told the level that is estimated then, as for a person who leaves it out.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ml.core.device import default_device, torch_device
from ml.core.images import Picture, Pixels
from ml.core.metrics import Score, mean_score, psnr, quantise, read_pictures, ssim
from ml.core.model_cards import add_to_card
from ml.denoise import BLIND, LEARNED
from ml.denoise.noise import estimate_sigma
from ml.denoise.protocols import camera, gaussian, jpeg
from ml.denoise.run import FILTERS, filtered, loaded, told

Figure = Mapping[str, float | None]
"""PSNR in dB, SSIM and the number of images, by name."""

TOLD_LEVELS = (15, 25, 50)
SEEN_LEVELS = (10, 25, 40)
QUALITIES = (10, 20, 40, 70)
COLOR_SETS = ("cbsd68", "set14")
GRAY_WEIGHTS = (0.299, 0.587, 0.114)

Denoise = Callable[[Tensor, float], Tensor]
"""From a noisy picture (C, H, W) in [0, 1] and sigma in the same units to the restored one."""


def dncnn(device: str) -> Denoise:
    """The network that is told the level as a function."""
    network = loaded(device, "dncnn")
    return lambda noisy, sigma: network(noisy[None], noisy.new_tensor([sigma]))[0]


def blind(method: str) -> Callable[[str], Denoise]:
    """A blind network as a function, as people use it: flat areas keep their mean."""

    def on(device: str) -> Denoise:
        restore = told(loaded(device, method), method, 0)
        return lambda noisy, sigma: restore(noisy[None])[0]

    return on


def classical(method: str) -> Callable[[str], Denoise]:
    """One of the filters as a function; non-local means see any noise rounded and clipped to 8 bits."""

    def denoise(noisy: Tensor, sigma: float) -> Tensor:
        pixels = np.ascontiguousarray(noisy.permute(1, 2, 0).cpu().numpy())
        return torch.from_numpy(filtered(method, 255 * sigma, pixels)).permute(2, 0, 1)

    return lambda device: denoise


METHODS: Mapping[str, Callable[[str], Denoise]] = {
    "noisy": lambda device: lambda noisy, sigma: noisy,
    "dncnn": dncnn,
    **{method: blind(method) for method in sorted(BLIND)},
    **{method: classical(method) for method in FILTERS},
}
"""By name, how to get a method as a function on a device; `noisy` leaves the picture as it is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``ml evaluate denoise``."""
    parser.add_argument("--method", choices=METHODS, default="dncnn")
    parser.add_argument(
        "--sigma", type=float, help="noise level in 8-bit units (default: 25, and no noise with --noise jpeg)"
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of clean pictures")
    parser.add_argument("--gray", action="store_true", help="turn the pictures gray first")
    parser.add_argument("--clipped", action="store_true", help="round and clip the noisy picture to 8 bits")
    parser.add_argument(
        "--noise", choices=("awgn", "jpeg", "camera"), default="awgn", help="what kind of noise"
    )
    parser.add_argument(
        "--quality",
        type=int,
        default=90,
        metavar="Q",
        help="of the JPEG, with --noise jpeg (default: %(default)s)",
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default=default_device())
    parser.add_argument(
        "--card",
        action="store_true",
        help="measure the table of the card on the sets in DIR, and write it there",
    )


def main(args: argparse.Namespace) -> Mapping[str, object]:
    """Mean PSNR (dB) and SSIM over a folder and the number of its images; with ``--card`` of all sets."""
    if args.card:
        return measure_card(args.method, args.data, args.device)
    sigma = args.sigma if args.sigma is not None else 0.0 if args.noise == "jpeg" else 25.0
    if args.noise != "awgn":
        return measure_blind(args.method, args.noise, sigma, args.quality, args.data, args.device)
    return measure(args.method, sigma, args.data, args.device, args.clipped, args.gray)


def measure_card(method: str, data: Path, device: str) -> Mapping[str, Figure]:
    """The figures of a card, measured on the sets in a folder; written there where the method has a card."""
    measured: dict[str, Figure] = {}
    for name, figure in figures_of_card(method, data, device):
        measured[name] = figure
        if method in LEARNED:
            add_to_card(LEARNED[method].path().with_suffix(".json"), measured)
    return measured


def figures_of_card(method: str, data: Path, device: str) -> Iterator[tuple[str, Figure]]:
    """One after the other by their names: for the blind networks what they were trained for, else white noise."""
    if method == "camera":
        for folder, sigma in product(COLOR_SETS, SEEN_LEVELS):
            yield (
                f"{folder} camera sigma {sigma}",
                measure_blind(method, method, sigma, 0, data / folder, device),
            )
    elif method == "jpeg":
        for folder, quality in product(COLOR_SETS, QUALITIES):
            figure = measure_blind(method, method, 0, quality, data / folder, device)
            yield f"{folder} jpeg quality {quality}", figure
    else:
        for folder, sigma in product(("cbsd68", "bsd68"), TOLD_LEVELS):
            yield f"{folder} sigma {sigma}", measure(method, sigma, data / folder, device)
        yield "cbsd68 sigma 25 clipped", measure(method, 25, data / "cbsd68", device, clipped=True)


def measure(
    method: str, sigma: float, folder: Path, device: str, clipped: bool = False, as_gray: bool = False
) -> dict[str, float | None]:
    """Mean PSNR (dB) and SSIM of a method over a folder, and how many images that were."""
    pictures = [picture for _, picture in read_pictures(folder)]
    if as_gray:
        pictures = [(gray(picture.float() / 255) * 255).round().to(torch.uint8) for picture in pictures]
    with torch.inference_mode():
        score = score_denoising(METHODS[method](device), sigma, pictures, torch_device(device), clipped)
    return {**asdict(score), "images": len(pictures)}


def measure_blind(
    method: str, noise: str, sigma: float, quality: int, folder: Path, device: str
) -> dict[str, float | None]:
    """Mean PSNR (dB), SSIM and estimated level over a folder of clean pictures, the level not told."""
    make = (
        partial(camera, sigma=sigma)
        if noise == "camera"
        else lambda clean: jpeg(gaussian(clean, sigma), quality)
    )
    pictures = [picture for _, picture in read_pictures(folder)]
    score, level = score_blind(METHODS[method](device), make, pictures, torch_device(device))
    return {**asdict(score), "estimated sigma": round(level, 2), "images": len(pictures)}


def score_blind(
    denoise: Denoise, make: Callable[[Pixels], Pixels], pictures: Sequence[Tensor], device: torch.device
) -> tuple[Score, float]:
    """Mean PSNR and SSIM of uint8 (C, H, W) pictures after ``make`` has made them noisy, and the level estimated."""
    scores, levels = [], []
    for picture in pictures:
        clean = picture.permute(1, 2, 0).numpy()
        clean = clean[:, :, 0] if clean.shape[2] == 1 else clean
        noisy = make(clean)
        levels.append(estimate_sigma(Picture(noisy.reshape(*noisy.shape[:2], -1))))
        image = torch.from_numpy(noisy.reshape(*noisy.shape[:2], -1)).permute(2, 0, 1).to(device) / 255
        with torch.inference_mode():
            restored = quantise(denoise(image, levels[-1] / 255).cpu()) * 255
        pixels = restored.permute(1, 2, 0).numpy().reshape(clean.shape)
        scores.append(Score(psnr(pixels, clean), ssim(pixels, clean)))
    return mean_score(scores), sum(levels) / len(levels)


def score_denoising(
    denoise: Denoise, sigma: float, pictures: Sequence[Tensor], device: torch.device, clipped: bool = False
) -> Score:
    """Mean PSNR and SSIM of uint8 (C, H, W) pictures with noise of ``sigma`` (8-bit units) of a fixed seed.

    The papers' protocol: noise on floats, neither rounded nor clipped unless ``clipped``, the result rounded
    to 8 bits, all channels together.
    """

    def score(picture: Tensor) -> Score:
        noise = np.random.default_rng(0).normal(0, sigma / 255, picture.shape)
        noisy = (picture.double() / 255 + torch.from_numpy(noise)).float()
        restored = denoise((quantise(noisy) if clipped else noisy).to(device), sigma / 255).cpu()
        pixels, reference = (
            image.squeeze(0).numpy() if len(image) == 1 else image.permute(1, 2, 0).numpy()
            for image in (quantise(restored) * 255, picture)
        )
        return Score(psnr(pixels, reference), ssim(pixels, reference))

    return mean_score([score(picture) for picture in pictures])


def gray(image: Tensor) -> Tensor:
    """Gray (..., 1, H, W) of RGB (..., 3, H, W) by the weights of BT.601; a gray image stays as it is."""
    if image.shape[-3] == 1:
        return image
    return torch.einsum("j,...jhw->...hw", image.new_tensor(GRAY_WEIGHTS), image).unsqueeze(-3)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    print(json.dumps(main(parser.parse_args())))
