"""Measuring the denoiser of digits on MNIST's test part: ``python -m ml evaluate digit-denoise --data DIR``.

Gaussian noise of a fixed seed is added to the clean digits and clipped to black and white, as a picture file has it.
"""

import argparse
from pathlib import Path

import torch

from ml.core.device import torch_device
from ml.core.model_cards import add_to_card
from ml.digit_denoise import DENOISER
from ml.digit_denoise.networks import with_noise
from ml.digit_denoise.run import loaded
from ml.digit_denoise.train import mean_psnr
from ml.digits.mnist import read_digits

BATCH = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``ml evaluate digit-denoise``."""
    parser.add_argument(
        "--sigma", type=float, default=0.5, help="of the noise; white is 1 (default: %(default)s)"
    )
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="folder of MNIST's four .gz files"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    parser.add_argument("--card", action="store_true", help="write what is measured into the card")
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu"
    )


@torch.inference_mode()
def main(args: argparse.Namespace) -> dict[str, float]:
    """The mean PSNR in dB of the restored digits and, for comparison, of the noisy ones."""
    network, device = loaded(args.device), torch_device(args.device)
    clean, _digits = read_digits(args.data, "t10k")
    noisy = with_noise(clean, args.sigma, torch.Generator().manual_seed(args.seed))
    restored = torch.cat([network(batch.to(device)).cpu() for batch in noisy.split(BATCH)])
    found = {"psnr": round(mean_psnr(restored, clean), 3), "noisy_psnr": round(mean_psnr(noisy, clean), 3)}
    if args.card:
        given = f"MNIST test, 10,000 digits, noise of {args.sigma:g}, clipped"
        measured = {
            f"PSNR in dB ({given})": found["psnr"],
            f"PSNR in dB of the noisy ones ({given})": found["noisy_psnr"],
        }
        add_to_card(DENOISER.path().with_suffix(".json"), measured)
    return {**found, "images": len(clean)}
