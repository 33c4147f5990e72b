"""PSNR, SSIM and MSE of two pictures, tile by tile, and a map of their differences."""

import cv2
import numpy as np

from ml.comparison import ComparisonParams
from ml.comparison.messages import COMPARING
from ml.core.context import Context, Inputs, Result
from ml.core.images import Picture, Pixels
from ml.core.metrics import TILE_SIDE, WINDOW_REACH, Fidelity, quantised_luminance, values
from ml.core.resize import resize
from ml.core.tiling import Box

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
    return Result(images={"image": drawn(differences, gain)}, metrics=found, engine="scikit-image")


def compare(image: Picture, reference: Picture, context: Context) -> tuple[dict[str, float | None], Pixels]:
    """The metrics of two pictures of one size, and the largest difference of each pixel's channels.

    The differences are uint16 (H, W), from 0 to `STEPS`.
    """
    gray = image.gray and reference.gray
    whole = Box(0, 0, image.width, image.height)
    color, luma = Fidelity(), Fidelity()
    differences = np.empty((image.height, image.width), np.uint16)
    done = 0
    for tile in whole.split(TILE_SIDE):
        around = tile.grown(WINDOW_REACH, whole)
        inner = tile.seen_from(around).slices
        seen, wanted = (values(Picture(each.pixels[around.slices]), gray) for each in (image, reference))
        color.add(seen, wanted, inner)
        context.check_cancelled()
        if not gray:
            luma.add(quantised_luminance(seen), quantised_luminance(wanted), inner)
        apart = np.abs(seen[inner] - wanted[inner]).max(axis=2)
        differences[tile.slices] = np.rint(apart * (STEPS / 255))
        done += tile.width * tile.height
        context.advance(done / (whole.width * whole.height), COMPARING)
    return named(color) | ({} if gray else named(luma, "_y")), differences


def named(found: Fidelity, suffix: str = "") -> dict[str, float | None]:
    """As metrics of a result."""
    return {f"psnr{suffix}": found.psnr, f"ssim{suffix}": found.ssim, f"mse{suffix}": found.mse}


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
