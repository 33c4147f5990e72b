"""Measuring bursts on simulated ones: ``python -m ml evaluate burst-super-resolution``."""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import scipy.ndimage
import torch

from ml.burst_super_resolution import MOST_FRAMES
from ml.burst_super_resolution.fusion import View, fuse
from ml.burst_super_resolution.run import Numbered, align
from ml.core.context import Context
from ml.core.images import Pixels
from ml.core.metrics import Score, luminance_score, mean_score, read_pictures
from ml.core.resampling import resize_bicubic
from ml.denoise.evaluate import dncnn
from ml.super_resolution.evaluate import Enlarge, enlargement
from ml.super_resolution.params import SCALES, Single

ENLARGERS: tuple[Single, ...] = ("bicubic", "fsrcnn", "latent-sr")
FARTHEST = 1.0
"""Pixels of the frames by which they are shifted at most, to either side."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``ml evaluate burst-super-resolution``."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of ground truth")
    parser.add_argument("--scale", type=int, choices=SCALES, default=3)
    parser.add_argument("--frames", type=int, choices=range(2, MOST_FRAMES + 1), default=8, metavar="N")
    parser.add_argument("--sigma", type=float, default=5.0, help="of the noise, in 8-bit units")
    parser.add_argument("--seed", type=int, default=0)


def main(args: argparse.Namespace) -> Mapping[str, object]:
    """Mean PSNR (dB) and SSIM on Y of what is made of the bursts, and the PSNR of single-frame methods beside it."""
    rng = np.random.default_rng(args.seed)
    context = Context()
    scores: list[Score] = []
    rivals = single_frame_methods(args.scale, args.sigma)
    single: dict[str, list[Score]] = {method: [] for method in rivals}
    for _name, picture in read_pictures(args.data):
        truth = picture.permute(1, 2, 0).numpy()
        frames, wanted = simulate(truth, args.scale, args.frames, args.sigma, rng)

        def score(image: Pixels, wanted: Pixels = wanted) -> Score:
            return luminance_score(_tensor(image), _tensor(wanted), args.scale)

        scores.append(score(fused(frames, args.scale, context)))
        for method, enlarge in rivals.items():
            with torch.inference_mode():
                image = enlarge(_tensor(frames[0]).float()).double()
            single[method].append(luminance_score(image, _tensor(wanted), args.scale))
    mean = mean_score(scores)
    return {
        "psnr": mean.psnr,
        "ssim": mean.ssim,
        "single": {method: mean_score(found).psnr for method, found in single.items()},
        "images": len(scores),
    }


def single_frame_methods(scale: int, sigma: float) -> Mapping[str, Enlarge]:
    """What can be made of one frame: it is enlarged, or enlarged after the denoiser was told its noise."""
    enlargers: dict[str, Enlarge] = {method: enlargement(method, scale, "cpu") for method in ENLARGERS}
    denoise = dncnn("cpu")

    def after_denoising(enlarge: Enlarge) -> Enlarge:
        return lambda frame: enlarge(denoise(frame, sigma / 255))

    cleaned = {f"dncnn, then {name}": after_denoising(enlarge) for name, enlarge in enlargers.items()}
    return {**enlargers, **cleaned}


def simulate(
    truth: Pixels, scale: int, count: int, sigma: float, rng: np.random.Generator
) -> tuple[list[Pixels], Pixels]:
    """Frames, uint8, as a camera held by hand would take them, and the part of the truth (H, W, C) they show.

    The truth is shifted by parts of a pixel (quintic splines), down-sampled as in the papers (MATLAB's bicubic), given
    Gaussian noise, rounded and clipped. The first frame is not shifted. What would come from beyond the border is cut.
    """
    margin = (int(FARTHEST) + 4) * scale
    height, width = ((side - 2 * margin) // scale * scale for side in truth.shape[:2])
    frames = []
    for index in range(count):
        shift = rng.uniform(-FARTHEST, FARTHEST, 2) * scale * (index > 0)
        moved = scipy.ndimage.shift(truth.astype(np.float64), (*shift, 0), order=5, mode="mirror")
        whole = moved[: moved.shape[0] // scale * scale, : moved.shape[1] // scale * scale]
        small = resize_bicubic(_tensor(whole), 1 / scale).permute(1, 2, 0).numpy() * 255
        small = small[margin // scale :, margin // scale :][: height // scale, : width // scale]
        frames.append(np.rint(np.clip(small + rng.normal(0, sigma, small.shape), 0, 255)).astype(np.uint8))
    return frames, truth[margin : margin + height, margin : margin + width]


def fused(frames: list[Pixels], scale: int, context: Context) -> Pixels:
    """What the operation makes of frames (H, W, C)."""
    numbered = [Numbered(number, frame, None) for number, frame in enumerate(frames, start=1)]
    reference, motions = align(numbered, context)
    fitting = sorted(
        (index for index, motion in enumerate(motions) if motion.fits), key=lambda i: i != reference
    )
    views = [View.registered(frames[index], motions[index], frames[reference]) for index in fitting]
    return fuse(views, scale, context, lambda _fraction, _fused: None)


def _tensor(pixels: Pixels) -> torch.Tensor:
    """(C, H, W) from 0 to 1."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1).double() / 255
