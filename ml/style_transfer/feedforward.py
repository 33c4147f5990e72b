"""Painting in one pass, in tiles where the picture is large."""

import numpy as np
import onnxruntime
import torch
from PIL import Image

from ml.core.context import Context
from ml.core.device import cancellable, infer
from ml.core.images import Picture, Pixels, from_float, to_float
from ml.core.text import Message
from ml.core.tiling import tiled
from ml.style_transfer.networks import REACH, StyleNetwork

GRID = 4
"""The networks make the picture four times smaller and larger again: tiles stand at multiples of it."""

WHOLE_SIDE = 1152
"""Longer side up to which a picture goes through in one piece."""

TILE_SIDE = 768
STYLE_SIDE = 256
SMALLEST_SIDE = 32


def paint(
    network: StyleNetwork, rgb: Pixels, context: Context, device: torch.device, note: Message
) -> Pixels:
    """Pixels (H, W, 3), uint8, painted in the style that the network was told; any size.

    A large picture is painted small first, which is the preview and gives the statistics by which its tiles are
    normalised: so they fit together, and memory stays bounded.
    """

    def through(pixels: Pixels) -> Pixels:
        painted = infer(network, to_float(_padded(pixels)), device, half=True)
        return from_float(painted[: pixels.shape[0], : pixels.shape[1]], np.uint8)

    context.advance(0, note)
    with cancellable(network, context):
        if max(rgb.shape) <= WHOLE_SIDE:
            return through(rgb)
        small = Image.fromarray(rgb)
        small.thumbnail((WHOLE_SIDE, WHOLE_SIDE), Image.Resampling.LANCZOS)
        context.preview(Picture(through(np.asarray(small))))
    with network.frozen():
        tiles = tiled(
            Picture(rgb),
            lambda tile: Picture(through(tile.pixels)),
            context,
            side=TILE_SIDE,
            overlap=REACH,
            align=GRID,
            network=network,
            note=note,
        )
    return tiles.pixels


def style_vector(session: onnxruntime.InferenceSession, rgb: Pixels) -> torch.Tensor:
    """What the style network makes of the middle square of a picture: 100 numbers."""
    image = Image.fromarray(rgb)
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    small = image.resize((STYLE_SIDE, STYLE_SIDE), Image.Resampling.BICUBIC, box)
    (vector,) = session.run(None, {session.get_inputs()[0].name: to_float(np.asarray(small))[None]})
    return torch.from_numpy(vector.flatten())


def _padded(rgb: Pixels) -> Pixels:
    """Mirrored at the right and the bottom to sides that the network takes."""
    missing = (max(SMALLEST_SIDE, GRID * -(-length // GRID)) - length for length in rgb.shape[:2])
    return np.pad(rgb, (*((0, margin) for margin in missing), (0, 0)), mode="symmetric")
