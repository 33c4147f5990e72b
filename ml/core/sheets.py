"""Small gray pictures, enlarged and side by side, or one after another."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ml.core.context import ResultFile
from ml.core.formats import FORMATS
from ml.core.images import Picture, Pixels, from_float

SHEET_SIDE = 1024
LARGEST_CELL, SMALLEST_CELL = 256, 28
FRAME_SIDE = 320
FRAME_SECONDS = 0.08


def cell_side(columns: int, rows: int) -> int:
    """Of the pictures on a sheet, in pixels."""
    return min(LARGEST_CELL, max(SMALLEST_CELL, SHEET_SIDE // max(columns, rows)))


def sheet_size(columns: int, rows: int, gap: int) -> tuple[int, int]:
    """Width and height of a sheet, in pixels."""
    step = cell_side(columns, rows) + gap
    return columns * step + gap, rows * step + gap


def sheet(images: Pixels, columns: int, gap: int, ground: float) -> Picture:
    """Images (N, H, W) of floats from 0 to 1 in rows, with a gap of so many pixels around each, on a gray."""
    rows = -(-len(images) // columns)
    side = cell_side(columns, rows)
    width, height = sheet_size(columns, rows, gap)
    pixels = from_float(np.full((height, width, 1), ground, np.float32), np.uint8)
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        top, left = gap + row * (side + gap), gap + column * (side + gap)
        pixels[top : top + side, left : left + side] = enlarged(image, side).pixels
    return Picture(pixels)


def enlarged(image: Pixels, side: int) -> Picture:
    """An image (H, W) of floats from 0 to 1, smoothly resized to a square."""
    resized = Image.fromarray(image.astype(np.float32)).resize((side, side), Image.Resampling.BICUBIC)
    return Picture(from_float(np.asarray(resized)[:, :, None], np.uint8))


def film(images: Sequence[Pixels], path: Path) -> ResultFile:
    """Write an MP4 of images (H, W) of floats from 0 to 1."""
    from ml.core.frames import Frame, VideoWriter

    with VideoWriter(path) as writer:
        for number, image in enumerate(images):
            writer.add(Frame(enlarged(image, FRAME_SIDE), number * FRAME_SECONDS, FRAME_SECONDS))
    return ResultFile(path, FORMATS["mp4"])
