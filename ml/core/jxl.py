"""JPEG XL, decoded by libjxl; its header by ISO/IEC 18181-1, since the size is checked before anything is decoded."""

from typing import IO

import imagecodecs
import numpy as np

from ml.core.colors import Colors
from ml.core.errors import InputError
from ml.core.images import Pixels
from ml.core.messages import PICTURE_DAMAGED
from ml.core.reading import Read, Reader, in_srgb

CODESTREAM = b"\xff\x0a"
BOXES = (b"jxlc", b"jxlp")
MOST_BOXES = 1000
RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
SIDE_BITS = (9, 13, 18, 30)
LYING = range(5, 9)


class JxlReader(Reader):
    """Of 8 or 16 bits a channel."""

    def size(self) -> tuple[int, int]:
        bits = _Bits(_codestream(self._file))
        width, height = _size(bits)
        return (height, width) if _orientation(bits) in LYING else (width, height)

    def read(self) -> Read:
        self._file.seek(0)
        try:
            pixels: Pixels = imagecodecs.jpegxl_decode(self._file.read(), index=0)
        except RuntimeError:
            raise InputError(PICTURE_DAMAGED) from None
        if pixels.dtype.kind == "f":
            pixels = np.rint(np.clip(np.nan_to_num(pixels), 0, 1) * 65535).astype(np.uint16)
        pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
        return in_srgb(pixels, Colors())


class _Bits:
    """Numbers of so many bits, the lowest bit first; raises `InputError` at the end."""

    def __init__(self, data: bytes) -> None:
        self._number, self._left = int.from_bytes(data, "little"), 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise InputError(PICTURE_DAMAGED)
        found = self._number & (1 << count) - 1
        self._number >>= count
        return found


def _codestream(file: IO[bytes]) -> bytes:
    """Its first bytes, behind the signature."""
    file.seek(0)
    head = file.read(66)
    if head.startswith(CODESTREAM):
        return head[2:]
    place = 0
    for _box in range(MOST_BOXES):
        file.seek(place)
        head = file.read(16 + 64)
        length, name = int.from_bytes(head[:4], "big"), head[4:8]
        start = 8
        if length == 1:
            length, start = int.from_bytes(head[8:16], "big"), 16
        if name in BOXES:
            stream = head[start + (4 if name == b"jxlp" else 0) :]
            return stream.removeprefix(CODESTREAM)
        if length < 8:
            break
        place += length
    raise InputError(PICTURE_DAMAGED)


def _size(bits: _Bits) -> tuple[int, int]:
    small = bits.take(1)
    height = _side(bits, small)
    ratio = bits.take(3)
    if ratio:
        across, down = RATIOS[ratio]
        return height * across // down, height
    return _side(bits, small), height


def _side(bits: _Bits, small: int) -> int:
    return 8 * (bits.take(5) + 1) if small else bits.take(SIDE_BITS[bits.take(2)]) + 1


def _orientation(bits: _Bits) -> int:
    """Of the metadata that follow; upright where they are all usual."""
    if bits.take(1) or not bits.take(1):
        return 1
    return bits.take(3) + 1
