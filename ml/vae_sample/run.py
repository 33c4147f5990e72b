"""Digits from codes, and codes from digits."""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from ml.core import latents
from ml.core.checkpoints import load_weights
from ml.core.context import Context, Inputs, Result
from ml.core.device import ready, torch_device
from ml.core.images import Pixels
from ml.core.metrics import psnr
from ml.core.sheets import enlarged, film, sheet
from ml.digits.finding import find_digit
from ml.vae_sample import GAP, RECONSTRUCTED_SIDE, WEIGHTS, Method, VaeParams, columns
from ml.vae_sample.messages import DRAWING
from ml.vae_sample.networks import Autoencoder

CHUNK = 100
"""Digits drawn between two questions whether to go on."""

DIMENSIONS = {"vae-16": 16, "vae-2": 2, "autoencoder": 16}
CORNERS = 4
SLOTS = ("image", "other")


@cache
def loaded(method: Method, device: str) -> Autoencoder:
    """The network of a method, ready on its device; kept, since a worker runs many jobs."""
    network = Autoencoder(DIMENSIONS[method], variational=method != "autoencoder")
    load_weights(network, WEIGHTS[method].path())
    return ready(network, torch_device(device))


@torch.inference_mode()
def run(inputs: Inputs, params: VaeParams, context: Context) -> Result:
    """A sheet of digits; for two digits also the way between them as a film; for one, its copy."""
    network, device = loaded(params.method, context.device), torch_device(context.device)
    context.advance(0.1, DRAWING)
    result = Result(weights=(WEIGHTS[params.method].name,), engine="torch")
    if params.action == "reconstruct":
        digit = next(find_digit(picture).pixels for slot in SLOTS for picture in inputs.pictures(slot))
        (copy,) = drawn(network, mean_code(network, digit, device), context)
        result.images = {
            "image": enlarged(copy, RECONSTRUCTED_SIDE),
            "digit": enlarged(digit, RECONSTRUCTED_SIDE),
        }
        result.metrics = {"psnr": psnr(255 * copy, 255 * digit)}
        return result
    digits = drawn(network, codes(network, inputs, params, context).to(device), context)
    result.images = {"image": sheet(digits, columns(len(digits)), GAP, ground=0.0)}
    if params.action == "interpolate":
        there_and_back = [*digits, *digits[-2:0:-1]]
        result.files = {"film": film(there_and_back, context.scratch / "film.mp4")}
    return result


def codes(network: Autoencoder, inputs: Inputs, params: VaeParams, context: Context) -> Tensor:
    """Those of the digits on a sheet, row by row, (N, latents)."""
    match params.action:
        case "manifold" if network.latents == 2:
            return latents.quantiles(params.side)
        case "manifold":
            corners = latents.drawn(CORNERS, network.latents, 1, context.generator)
            return latents.between(corners, params.side)
        case "interpolate":
            device = network.digit_codes.device
            start, end = (
                mean_code(network, find_digit(given[0]).pixels, device)
                if (given := inputs.pictures(slot))
                else network.digit_codes[digit : digit + 1]
                for slot, digit in zip(SLOTS, (params.first, params.second), strict=True)
            )
            return torch.lerp(start, end, torch.linspace(0, 1, params.steps, device=device)[:, None])
        case _:
            return latents.drawn(params.count, network.latents, params.spread, context.generator)


def mean_code(network: Autoencoder, digit: Pixels, device: torch.device) -> Tensor:
    """The likeliest code of a digit (28, 28), (1, latents)."""
    mean, _log_variance = network.encode(torch.from_numpy(digit)[None, None].to(device))
    return mean


def drawn(network: Autoencoder, codes: Tensor, context: Context) -> Pixels:
    """The digits (N, 28, 28) of codes (N, latents)."""
    pieces = []
    for chunk in codes.split(CHUNK):
        context.check_cancelled()
        pieces.append(network.draw(chunk)[:, 0].float().cpu().numpy())
    return np.concatenate(pieces)
