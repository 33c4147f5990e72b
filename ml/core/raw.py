"""What a camera's sensor saw, developed by LibRaw: demosaiced, with the white balance of the camera."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import rawpy

from ml.core.errors import InputError
from ml.core.formats import FORMATS, HEAD_BYTES, format_of
from ml.core.images import Picture
from ml.core.messages import DEVELOPED_FROM_RAW, PICTURE_DAMAGED, RAW_UNDEVELOPED
from ml.core.reading import Read, Reader
from ml.core.tiff_tags import is_whole

LYING = (5, 6)
"""LibRaw's flips that swap width and height."""
SRGB_CURVE = (2.4, 12.92)


class RawReader(Reader):
    """The picture of the sensor, never the small one that the camera put beside it."""

    def size(self) -> tuple[int, int]:
        with _opened(self._file) as raw:
            sizes = raw.sizes
            return (sizes.iheight, sizes.iwidth) if sizes.flip in LYING else (sizes.iwidth, sizes.iheight)

    def read(self) -> Read:
        with _opened(self._file) as raw:
            pixels = raw.postprocess(
                use_camera_wb=True,
                output_bps=16,
                output_color=rawpy.ColorSpace.sRGB,
                gamma=SRGB_CURVE,
            )
        return Read(Picture(np.ascontiguousarray(pixels)), (DEVELOPED_FROM_RAW,))


@contextmanager
def _opened(file: Any) -> Iterator[rawpy.RawPy]:
    file.seek(0)
    is_tiff = format_of(file.read(HEAD_BYTES)) is FORMATS["tiff"]
    if is_tiff and not is_whole(file):  # LibRaw would fill in black
        raise InputError(PICTURE_DAMAGED)
    file.seek(0)
    try:
        with rawpy.imread(file) as raw:
            yield raw
    except (rawpy.LibRawError, rawpy.NotSupportedError):
        raise InputError(RAW_UNDEVELOPED) from None
