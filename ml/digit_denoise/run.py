"""One digit, wherever it is on a picture, or a sheet of them, without noise."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from PIL import Image

from ml.core.checkpoints import load_weights
from ml.core.context import Context, Inputs, Result
from ml.core.device import ready, torch_device
from ml.core.images import Picture, Pixels, from_float
from ml.core.metrics import psnr
from ml.digit_denoise import CELL, DENOISER, DigitDenoiseParams, enlargement
from ml.digit_denoise.messages import DENOISING, LOOKING
from ml.digit_denoise.networks import DigitDenoiser, with_noise
from ml.digits.finding import Digit, find_digit, grayscale, is_light, put_back

CHUNK = 256
"""Digits between two questions whether to go on."""


@cache
def loaded(device: str) -> DigitDenoiser:
    """The network, ready on its device; kept, since a worker runs many jobs."""
    network = DigitDenoiser()
    load_weights(network, DENOISER.path())
    return ready(network, torch_device(device))


@torch.inference_mode()
def run(inputs: Inputs, params: DigitDenoiseParams, context: Context) -> Result:
    """The slot `image` with its digits clean; where noise was added, `noisy` is what the network was given.

    Gray, 8 bits a channel, opaque: of the picture, only ink and ground are left.
    """
    picture = inputs.picture("image")
    context.advance(0, LOOKING)
    form: _Form = _Sheet.of(picture) if params.layout == "sheet" else _Single.of(picture)
    given = torch.from_numpy(form.digits)[:, None]
    noisy = with_noise(given, params.noise, context.generator) if params.noise else given
    network, device = loaded(context.device), torch_device(context.device)
    pieces = []
    for start in range(0, len(noisy), CHUNK):
        context.advance(0.1 + 0.8 * start / len(noisy), DENOISING)
        pieces.append(network(noisy[start : start + CHUNK].to(device)).float().cpu())
    clean = torch.cat(pieces)
    result = Result(
        images={"image": form.drawn(clean[:, 0].numpy())}, weights=(DENOISER.name,), engine="torch"
    )
    if params.noise:
        result.images["noisy"] = form.drawn(noisy[:, 0].numpy())
        result.metrics = {
            "psnr": psnr(255 * clean.numpy(), 255 * given.numpy()),
            "noisy_psnr": psnr(255 * noisy.numpy(), 255 * given.numpy()),
        }
    return result


@dataclass(frozen=True, eq=False)
class _Single:
    """A picture with one digit on it."""

    digit: Digit
    width: int
    height: int

    @classmethod
    def of(cls, picture: Picture) -> "_Single":
        return cls(find_digit(picture), picture.width, picture.height)

    @property
    def digits(self) -> Pixels:
        """(1, 28, 28), ink 1 on ground 0."""
        return self.digit.pixels[None]

    def drawn(self, digits: Pixels) -> Picture:
        """The picture with other digits in their places."""
        scale = enlargement(self.width, self.height)
        return put_back(digits[0], self.digit, self.width, self.height, scale)


@dataclass(frozen=True, eq=False)
class _Sheet:
    """A picture with a digit in every 28 by 28 pixels, each taken as it is."""

    ink: Pixels
    dark: bool

    @classmethod
    def of(cls, picture: Picture) -> "_Sheet":
        gray = grayscale(picture)
        dark = is_light(gray)
        return cls(1 - gray if dark else gray, dark)

    @property
    def digits(self) -> Pixels:
        """(N, 28, 28), row by row, ink 1 on ground 0."""
        height, width = self.ink.shape
        cells = self.ink.reshape(height // CELL, CELL, width // CELL, CELL)
        return np.ascontiguousarray(cells.swapaxes(1, 2).reshape(-1, CELL, CELL))

    def drawn(self, digits: Pixels) -> Picture:
        """The picture with other digits in their places."""
        height, width = self.ink.shape
        cells = digits.reshape(height // CELL, width // CELL, CELL, CELL)
        ink = cells.swapaxes(1, 2).reshape(height, width)
        scale = enlargement(width, height)
        gray = Image.fromarray(1 - ink if self.dark else ink)
        enlarged = np.asarray(gray.resize((width * scale, height * scale), Image.Resampling.BICUBIC))
        return Picture(from_float(enlarged[:, :, None], np.uint8))


_Form = _Single | _Sheet
