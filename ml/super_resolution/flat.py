"""Flat areas keep their colour, and pictures of few pixels theirs, whatever a network makes of them."""

from collections.abc import Callable

import cv2
import numpy as np

from ml.core.images import Picture, Pixels, from_float, to_float, visible_color

SMALL, MARGIN = 17, 16
"""A picture that is narrower than the first is enlarged with so many pixels of its border repeated around it: networks take
what is beyond a border for black, and would see little else."""
BLUR = 8.0
"""Sigma in pixels of the picture: what is as large is an area."""
LEFT_ALONE = 0.6 / 255
"""A shift up to here is not corrected: it may be rounding, or detail."""
ROWS = 256


def with_border(picture: Picture, enlarge: Callable[[Picture], Picture], size: tuple[int, int]) -> Picture:
    """A small picture, enlarged to `size` (width, height) with its border repeated around it, which is cut off again."""
    pixels = np.pad(picture.pixels, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), mode="edge")
    enlarged = enlarge(Picture(pixels)).pixels
    width, height = size
    left, top = (enlarged.shape[1] - width) // 2, (enlarged.shape[0] - height) // 2
    return Picture(np.ascontiguousarray(enlarged[top : top + height, left : left + width]))


def with_means_of(picture: Picture, enlarged: Picture) -> Picture:
    """The low frequencies of an enlarged picture brought back to those of the picture that it was made of."""
    wanted = to_float(visible_color(picture))
    seen = cv2.resize(enlarged.color, (picture.width, picture.height), interpolation=cv2.INTER_AREA)
    shift = cv2.GaussianBlur(
        wanted - to_float(seen.reshape(wanted.shape)), (0, 0), BLUR, borderType=cv2.BORDER_REPLICATE
    ).reshape(wanted.shape)
    shift = np.sign(shift) * np.maximum(np.abs(shift) - LEFT_ALONE, 0)
    if not shift.any():
        return enlarged
    return Picture.join(_shifted(enlarged.color, shift), enlarged.alpha)


def _shifted(color: Pixels, shift: Pixels) -> Pixels:
    """With a shift of another size added, in strips, since the whole would take four times the memory."""
    height, width = color.shape[:2]
    shifted = np.empty_like(color)
    across = cv2.resize(shift, (width, shift.shape[0])).reshape(shift.shape[0], width, -1)
    for top in range(0, height, ROWS):
        rows = np.arange(top, min(top + ROWS, height))
        at = np.clip((rows + 0.5) * shift.shape[0] / height - 0.5, 0, shift.shape[0] - 1)
        upper = np.floor(at).astype(int)
        lower = np.minimum(upper + 1, shift.shape[0] - 1)
        part = (at - upper).astype(np.float32)[:, None, None]
        between = across[upper] * (1 - part) + across[lower] * part
        shifted[rows] = from_float(to_float(color[rows]) + between, color.dtype)
    return shifted
