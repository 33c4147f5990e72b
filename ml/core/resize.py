"""Resizing pictures of any depth, with alpha, in strips."""

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from PIL import Image

from ml.core.images import Picture, Pixels, premultiplied, straight

Filter = Literal["nearest", "bilinear", "bicubic", "lanczos"]

FILTERS: dict[Filter, Image.Resampling] = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
WIDEST_SUPPORT = 3  # Lanczos, in pixels to either side
STRIP_PIXELS = 4_000_000


def resize(
    picture: Picture,
    width: int,
    height: int,
    resampling: Filter = "bicubic",
    on_strip: Callable[[float], None] = lambda fraction: None,
) -> Picture:
    """Resized with Pillow's antialiased filters; `on_strip` hears the fraction done after each strip of rows."""
    ratio = picture.height / height
    reach = math.ceil(WIDEST_SUPPORT * max(ratio, 1)) + 1
    rows = max(1, int(STRIP_PIXELS / max(width, picture.width * ratio)))
    pixels = np.empty((height, width, picture.pixels.shape[2]), picture.pixels.dtype)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        first = max(0, math.floor(top * ratio) - reach)
        last = min(picture.height, math.ceil(bottom * ratio) + reach)
        box = (0, top * ratio - first, picture.width, min(bottom * ratio, last) - first)
        pixels[top:bottom] = _resample(picture.pixels[first:last], (width, bottom - top), box, resampling)
        on_strip(bottom / height)
    return Picture(pixels)


def resample(pixels: Pixels, size: tuple[int, int], box: tuple[float, float, float, float]) -> Pixels:
    """What lies within `box` (left, top, right, bottom, in pixels and parts of them), as `size` pixels (width, height).

    Bicubic. Pixels around the box are seen as far as the filter reaches, so that a picture in parts has no seams.
    """
    if not _in_bytes(pixels):
        return _resample(pixels, size, box)
    # Always rows first: Pillow would choose for each part, and where what lies between is clipped it makes a difference.
    (left, top, right, bottom), rows = box, pixels.shape[0]
    wide = _resample(pixels, (size[0], rows), (left, 0, right, rows))
    return _resample(wide, size, (0, top, size[0], bottom))


def _resample(
    pixels: Pixels,
    size: tuple[int, int],
    box: tuple[float, float, float, float],
    resampling: Filter = "bicubic",
) -> Pixels:
    if _in_bytes(pixels):
        image = Picture(pixels).to_pillow().resize(size, FILTERS[resampling], box)
        return np.asarray(image).reshape(size[1], size[0], pixels.shape[2])
    values = premultiplied(pixels)
    planes = (np.ascontiguousarray(values[:, :, channel]) for channel in range(values.shape[2]))
    resized = [np.asarray(Image.fromarray(plane).resize(size, FILTERS[resampling], box)) for plane in planes]
    return straight(np.stack(resized, axis=2), pixels.dtype)


def _in_bytes(pixels: Pixels) -> bool:
    """Whether Pillow takes them as they are."""
    return pixels.dtype == np.uint8 and pixels.shape[2] in (1, 3)
