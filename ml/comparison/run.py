"""PSNR, SSIM and MSE of two pictures, tile by tile, and a map of their differences."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from ml.comparison import ComparisonParams
from ml.core import metrics
from ml.core.context import Context, Inputs, Result
from ml.core.images import Picture, Pixels, flattened, to_float
from ml.core.resampling import luminance
from ml.core.resize import resize
from ml.core.text import _
from ml.core.tiling import Box

SIDE = 512
REACH = 5
"""How far SSIM's window of 11x11 pixels reaches from its middle."""

STRONGEST = 0.99
"""The share of the differing pixels that automatic amplification leaves below the brightest colour."""

STEPS = 65535
"""The differences are kept in so many steps between none and all the way from black to white."""

COLORS = cv2.COLORMAP_INFERNO  # from black by red to pale yellow; legible in gray and to the colour-blind


def run(inputs: Inputs, params: ComparisonParams, context: Context) -> Result:
    """The slots `image` and `reference` compared as they look on white; two gray pictures are compared as gray.

    Metrics on values from 0 to 255: `psnr` (dB, None where there is no difference), `ssim` (None below 11 pixels
    a side) and `mse` of RGB or gray; of colour pictures also `psnr_y`, `ssim_y` and `mse_y` of BT.601 luminance in
    8 bits, as super-resolution papers give them; `largest_difference` of any channel; and the `amplification` of
    the map, which shows of each pixel the channel that differs most.
    """
    image, reference = inputs.picture("image"), inputs.picture("reference")
    if (image.width, image.height) != (reference.width, reference.height):
        image = resize(
            image, reference.width, reference.height, on_strip=lambda _done: context.check_cancelled()
        )
    found, differences = compare(image, reference, context)
    gain = params.amplification or automatic_gain(differences)
    found |= {"largest_difference": float(differences.max()) * 255 / STEPS, "amplification": gain}
    return Result(images={"difference": drawn(differences, gain)}, metrics=found, engine="scikit-image")


def compare(image: Picture, reference: Picture, context: Context) -> tuple[dict[str, float | None], Pixels]:
    """The metrics of two pictures of one size, and the largest difference of each pixel's channels.

    The differences are uint16 (H, W), from 0 to `STEPS`.
    """
    gray = image.gray and reference.gray
    whole = Box(0, 0, image.width, image.height)
    color, luma = Sums(), Sums()
    differences = np.empty((image.height, image.width), np.uint16)
    done = 0
    for tile in whole.split(SIDE):
        around = tile.grown(REACH, whole)
        inner = tile.seen_from(around).slices
        seen, wanted = (values(Picture(each.pixels[around.slices]), gray) for each in (image, reference))
        color.add(seen, wanted, inner)
        context.check_cancelled()
        if not gray:
            luma.add(quantised_luminance(seen), quantised_luminance(wanted), inner)
        apart = np.abs(seen[inner] - wanted[inner]).max(axis=2)
        differences[tile.slices] = np.rint(apart * (STEPS / 255))
        done += tile.width * tile.height
        context.advance(done / (whole.width * whole.height), _("Comparing"))
    return color.metrics() | ({} if gray else luma.metrics("_y")), differences


def values(picture: Picture, gray: bool) -> Pixels:
    """Colour as it looks on white, float64 (H, W, 1 or 3) from 0 to 255, of any depth."""
    color = to_float(flattened(picture).pixels).astype(np.float64) * 255
    return color if gray or not picture.gray else np.repeat(color, 3, axis=2)


def quantised_luminance(color: Pixels) -> Pixels:
    """Y of BT.601 in whole numbers, float64 (H, W, 1), of RGB (H, W, 3) from 0 to 255."""
    y = luminance(torch.from_numpy(color).permute(2, 0, 1) / 255)
    rounded: Pixels = (metrics.quantise(y) * 255).permute(1, 2, 0).numpy()
    return rounded


@dataclass
class Sums:
    """What the tiles of two pictures add up to."""

    squares: float = 0
    pixels: int = 0
    similarity: float = 0
    windows: int = 0

    def add(self, image: Pixels, reference: Pixels, inner: tuple[slice, slice]) -> None:
        """A tile (H, W, C) with what SSIM's windows see around it; `inner` is the tile itself."""
        area = image[inner].shape[0] * image[inner].shape[1]
        self.squares += metrics.mse(image[inner], reference[inner]) * area
        self.pixels += area
        windows = max(0, image.shape[0] - 2 * REACH) * max(0, image.shape[1] - 2 * REACH)
        if windows:
            self.similarity += metrics.ssim(image, reference) * windows
            self.windows += windows

    def metrics(self, suffix: str = "") -> dict[str, float | None]:
        mse = self.squares / self.pixels
        return {
            f"psnr{suffix}": 10 * float(np.log10(255**2 / mse)) if mse else None,
            f"ssim{suffix}": self.similarity / self.windows if self.windows else None,
            f"mse{suffix}": mse,
        }


def automatic_gain(differences: Pixels) -> float:
    """The amplification that takes all but the strongest differences just to the brightest colour; 1 without any."""
    counts = np.bincount(differences.ravel(), minlength=STEPS + 1)
    counts[0] = 0
    if not counts.any():
        return 1.0
    strong = int(np.searchsorted(np.cumsum(counts), STRONGEST * counts.sum()))
    return STEPS / strong


def drawn(differences: Pixels, gain: float) -> Picture:
    """Differences in colour, RGB of 8 bits: black where there are none, the brighter the larger."""
    scale = np.rint(np.minimum(np.arange(STEPS + 1) * (gain * 255 / STEPS), 255)).astype(np.uint8)
    return Picture(cv2.applyColorMap(scale[differences], COLORS)[:, :, ::-1])
