"""HEIC and HEIF, as phones make them, decoded by libheif: the first picture, upright already."""

from typing import IO, Any

import numpy as np
import pi_heif

from ml.core.colors import by_numbers, by_profile
from ml.core.images import Pixels
from ml.core.messages import GAIN_MAP_LEFT_OUT
from ml.core.reading import Read, Reader, in_srgb

GAIN_MAP = "gainmap"
"""Within the name of a second picture that says how much brighter the first may be shown."""


class HeicReader(Reader):
    """Of 8 bits a channel, or of 16 where the file has more."""

    lossy = True

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self._opened: Any = pi_heif.open_heif(file, convert_hdr_to_8bit=False)

    def size(self) -> tuple[int, int]:
        width, height = self._opened.size
        return width, height

    def read(self) -> Read:
        info = self._opened.info
        numbers = info.get("nclx_profile")
        colors = by_profile(info.get("icc_profile") or b"")
        if numbers and not colors.profile:
            colors = by_numbers(numbers["color_primaries"], numbers["transfer_characteristics"])
        has_gain_map = any(GAIN_MAP in str(name).lower() for name in info.get("aux", ()))
        return in_srgb(self._pixels(), colors, (GAIN_MAP_LEFT_OUT,) * has_gain_map)

    def exif(self) -> bytes:
        return self._opened.info.get("exif") or b""

    def _pixels(self) -> Pixels:
        pixels = np.asarray(self._opened)
        pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
        if pixels.dtype == np.uint16:  # which has them in its upper bits
            pixels = pixels | pixels >> self._opened.info["bit_depth"]
        return pixels[:, : self._opened.size[0]].copy()  # rows may be longer; and the memory is libheif's
