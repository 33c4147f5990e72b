"""Noise on the colour of pictures of any depth; alpha and what is gray stay."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ml.add_noise import AddNoiseParams, Method
from ml.core.context import Context, Inputs, Result
from ml.core.images import Picture, Pixels, from_float, to_depth, to_float
from ml.core.messages import ADDING_NOISE
from ml.core.tiling import tiled

SIDE = 512
MCU = 16  # pixels a side of what a JPEG with halved chroma encodes as one


def gaussian(color: Pixels, params: AddNoiseParams, rng: np.random.Generator) -> Pixels:
    """Independent in each channel."""
    noise = rng.standard_normal(color.shape, np.float32)
    return from_float(to_float(color) + noise * np.float32(params.sigma / 255), color.dtype)


def salt_and_pepper(color: Pixels, params: AddNoiseParams, rng: np.random.Generator) -> Pixels:
    """Whole pixels turn black or white, with equal chances."""
    drawn = rng.random((*color.shape[:2], 1), np.float32)
    share = params.share / 100
    peak = np.iinfo(color.dtype).max
    return np.where(
        drawn < share, np.where(drawn < share / 2, color.dtype.type(peak), color.dtype.type(0)), color
    )


def poisson(color: Pixels, params: AddNoiseParams, rng: np.random.Generator) -> Pixels:
    """The statistics of counted photons, `params.photons` of them in each channel of a white pixel."""
    return from_float(rng.poisson(to_float(color) * params.photons) / params.photons, color.dtype)


def jpeg(color: Pixels, params: AddNoiseParams, rng: np.random.Generator) -> Pixels:
    """Through a JPEG file of halved chroma, and so through 8 bits."""
    file = io.BytesIO()
    Picture(color).to_pillow().save(file, "JPEG", quality=params.quality, subsampling="4:2:0")
    decoded = np.asarray(Image.open(file)).reshape(color.shape)
    return to_depth(decoded, color.dtype.type)


@dataclass(frozen=True)
class Noise:
    """`function(color, params, rng)` of pixels (H, W, 1 or 3) returns as many of the same depth.

    It looks `reach` pixels around, and sees tiles begin at multiples of `align`.
    """

    function: Callable[[Pixels, AddNoiseParams, np.random.Generator], Pixels]
    reach: int = 0
    align: int = 1


NOISES: Mapping[Method, Noise] = {
    "gaussian": Noise(gaussian),
    "salt-and-pepper": Noise(salt_and_pepper),
    "poisson": Noise(poisson),
    "jpeg": Noise(jpeg, reach=2 * MCU, align=MCU),
}
"""Those that go tile by tile."""


def run(inputs: Inputs, params: AddNoiseParams, context: Context) -> Result:
    """The slot `image` with noise on its colour, rounded and clipped to its depth as in a file."""
    picture = inputs.picture("image")
    if params.method == "white-pixels":
        noisy = with_white_pixels(picture, params.pixels, context.rng)
        context.advance(1, ADDING_NOISE)
    else:
        noise = NOISES[params.method]

        def spoil(tile: Picture) -> Picture:
            return Picture.join(noise.function(tile.color, params, context.rng), tile.alpha)

        noisy = tiled(
            picture,
            spoil,
            context,
            side=SIDE,
            overlap=noise.reach,
            align=noise.align,
            note=ADDING_NOISE,
        )
    return Result(images={"image": noisy}, engine="pillow" if params.method == "jpeg" else "numpy")


def with_white_pixels(picture: Picture, count: int, rng: np.random.Generator) -> Picture:
    """White at `count` places, each drawn without regard to the others."""
    rows = rng.integers(picture.height, size=count)
    columns = rng.integers(picture.width, size=count)
    pixels = picture.pixels.copy()
    pixels[rows, columns, : picture.color.shape[2]] = picture.peak
    return Picture(pixels)
