"""TIFFs of scanners, cameras and scientists: more than 8 bits a channel, or other numbers than whole ones."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np
import tifffile

from ml.core.colors import Colors, by_profile, pixels_to_srgb
from ml.core.errors import InputError
from ml.core.images import Picture, Pixels
from ml.core.messages import (
    CHANNELS_LEFT_OUT,
    FIRST_PAGE,
    FROM_OTHER_COLORS,
    PICTURE_DAMAGED,
    REDUCED_TO_16_BITS,
    SCALED_TO_16_BITS,
    TIFF_COLORS,
)
from ml.core.reading import ORIENTATION, SIDEWAYS, Read, Reader, in_srgb, turned
from ml.core.text import Message
from ml.core.tiff_tags import ASSOCIATED, is_whole

PEAK = 65535
UNASSOCIATED = 2
MOST_CHANNELS = 64
PHOTOMETRIC = tifffile.PHOTOMETRIC
INVERTED, GRAY = PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.MINISBLACK

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # its remarks are on a stranger's tags


class TiffReader(Reader):
    """Its first page, as 16 bits a channel: its own range where the numbers know no white."""

    def size(self) -> tuple[int, int]:
        with _first_page(self._file) as page:
            width, height = page.imagewidth, page.imagelength
            return (height, width) if _orientation(page) in SIDEWAYS else (width, height)

    def read(self) -> Read:
        with _first_page(self._file) as page:
            notes: list[Message] = []
            color, alpha = _channels(page, notes)
            colors = by_profile(page.iccprofile or b"")
            if page.photometric is PHOTOMETRIC.SEPARATED:
                color, colors = _from_cmyk(color, colors), Colors()
                notes.append(FROM_OTHER_COLORS(colors="CMYK"))
            if _has_more_pages(page):
                notes.append(FIRST_PAGE)
            read = in_srgb(Picture.join(color, alpha).pixels, colors, tuple(notes))
            return Read(Picture(turned(read.picture.pixels, _orientation(page))), read.notes)


@contextmanager
def _first_page(file: IO[bytes]) -> Iterator[Any]:
    if not is_whole(file):  # tifffile would fill in black
        raise InputError(PICTURE_DAMAGED)
    file.seek(0)
    try:
        with tifffile.TiffFile(file, mode="r") as tiff:
            page: Any = tiff.pages[0]
            if page.samplesperpixel > MOST_CHANNELS or page.imagedepth > 1:
                raise InputError(TIFF_COLORS, colors=f"{page.samplesperpixel} x {page.imagedepth}")
            yield page
    except (InputError, MemoryError):
        raise
    except Exception as error:  # a decoder may raise anything at a damaged file
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise InputError(PICTURE_DAMAGED) from None


def _orientation(page: Any) -> int:
    found = page.tags.get(ORIENTATION)
    return int(found.value) if found and found.value in range(1, 9) else 1


def _has_more_pages(page: Any) -> bool:
    """Smaller copies of the first are none."""
    try:
        return not page.parent.pages[1].is_reduced
    except IndexError:
        return False


def _channels(page: Any, notes: list[Message]) -> tuple[Pixels, Pixels | None]:
    """Colour (H, W, 1, 3 or 4) and alpha (H, W, 1), of 16 bits a channel, white being the largest number."""
    numbers = page.asarray().reshape(page.shape)
    if page.axes.startswith("S"):
        numbers = np.moveaxis(numbers, 0, -1)
    if numbers.ndim == 2:
        numbers = numbers[:, :, None]
    count = {INVERTED: 1, GRAY: 1, PHOTOMETRIC.RGB: 3, PHOTOMETRIC.SEPARATED: 4}.get(page.photometric)
    if count is None or numbers.ndim != 3 or numbers.shape[2] < count:
        raise InputError(TIFF_COLORS, colors=getattr(page.photometric, "name", str(page.photometric)))
    # Where nothing is said of a channel too many, it is what OpenCV writes: alpha.
    kinds = page.extrasamples or (UNASSOCIATED,) * (numbers.shape[2] == count + 1)
    transparent = bool(kinds) and kinds[0] in (ASSOCIATED, UNASSOCIATED)
    if numbers.shape[2] > count + transparent:
        notes.append(CHANNELS_LEFT_OUT(count=numbers.shape[2] - count - transparent))
    pixels = _to_16_bits(numbers[:, :, : count + transparent], page.bitspersample, notes)
    color, alpha = (pixels[:, :, :count], pixels[:, :, count:]) if transparent else (pixels, None)
    if alpha is not None and kinds[0] == ASSOCIATED:
        color = _divided(color, alpha)
    return PEAK - color if page.photometric is INVERTED else color, alpha


def _to_16_bits(numbers: Pixels, bits: int, notes: list[Message]) -> Pixels:
    """By the range of their type; of floating-point numbers, and of whole ones below zero, by their own."""
    if numbers.dtype.kind == "f":
        return _scaled(numbers, notes)
    if numbers.dtype.kind == "i" and numbers.min() < 0:
        return _scaled(numbers.astype(np.float64), notes)
    if bits > 16 and numbers.max() > PEAK:
        notes.append(REDUCED_TO_16_BITS)
        return (numbers >> (bits - 16)).astype(np.uint16)
    if bits < 16:
        return (numbers.astype(np.uint32) * PEAK // ((1 << bits) - 1)).astype(np.uint16)
    return numbers.astype(np.uint16)


def _scaled(numbers: Pixels, notes: list[Message]) -> Pixels:
    """Numbers from 0 to 1 as they are; what goes beyond, from the least to the largest; what is none is the least."""
    finite = np.isfinite(numbers)
    low, high = (float(numbers[finite].min()), float(numbers[finite].max())) if finite.any() else (0.0, 1.0)
    notes.append(SCALED_TO_16_BITS(low=low, high=high))
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    values = np.where(finite, numbers, low).astype(np.float64)
    return np.rint((values - low) * (PEAK / max(high - low, np.finfo(float).tiny))).astype(np.uint16)


def _divided(color: Pixels, alpha: Pixels) -> Pixels:
    """Colour that was multiplied by alpha."""
    wide = color.astype(np.uint32) * PEAK + alpha // 2
    divided = np.divide(wide, alpha, out=np.zeros(color.shape), where=alpha > 0)
    return np.minimum(divided, PEAK).astype(np.uint16)


def _from_cmyk(inks: Pixels, colors: Colors) -> Pixels:
    """By its profile, or as if inks were filters."""
    if colors.foreign("CMYK"):
        return pixels_to_srgb(inks, colors)
    light = PEAK - inks.astype(np.uint32)
    return (light[:, :, :3] * light[:, :, 3:] // PEAK).astype(np.uint16)
