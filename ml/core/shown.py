"""How the frames of a film are meant to be seen: which way up, how wide, in which colours."""

import struct
import tempfile
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type

from ml.core.h273 import HIGH_RANGE, UNSAID
from ml.core.hdr import cube
from ml.core.images import Picture, Pixels

HIGH_DEFINITION = 720  # rows from which on a film that does not say so means BT.709
UNIT = 1 << 16  # of a display matrix


@dataclass(frozen=True)
class Shown:
    """What is to be done to a decoded frame: widened or heightened, transposed, then mirrored.

    `shape` is the width of a pixel by its height. `high_range` is H.273's curve and primaries where it is that of high
    dynamic range.
    """

    width: int
    height: int
    shape: float = 1.0
    transposed: bool = False
    left_to_right: bool = False
    upside_down: bool = False
    high_range: tuple[int, int] | None = None

    @classmethod
    def of(cls, stream: Any, frame: Any) -> "Shown":
        """By the stream of pictures that a frame is from."""
        a, b, c, d = _matrix(frame)
        transposed = abs(b) + abs(c) > abs(a) + abs(d)
        across, down = (c, b) if transposed else (a, d)
        high_range = (frame.color_trc, frame.color_primaries) if frame.color_trc in HIGH_RANGE else None
        return cls(
            frame.width,
            frame.height,
            float(stream.sample_aspect_ratio or 1) or 1.0,
            transposed,
            across < 0,
            down < 0,
            high_range,
        )

    @property
    def stretched(self) -> tuple[int, int]:
        """Width and height once pixels are square: one of them grows."""
        if self.shape >= 1:
            return round(self.width * self.shape), self.height
        return self.width, round(self.height / self.shape)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of what is seen."""
        width, height = self.stretched
        return (height, width) if self.transposed else (width, height)

    @property
    def square(self) -> "Shown":
        """The same of a film whose pixels are."""
        width, height = self.stretched
        return replace(self, width=width, height=height, shape=1.0)

    def picture(self, frame: Any) -> Picture:
        """The frame as it is seen: RGB of 8 bits."""
        pixels = _rgb(frame, self.high_range, *self.stretched)
        if self.transposed:
            pixels = pixels.swapaxes(0, 1)
        pixels = pixels[:: -1 if self.upside_down else 1, :: -1 if self.left_to_right else 1]
        return Picture(np.ascontiguousarray(pixels))


def _matrix(frame: Any) -> tuple[int, ...]:
    """The part of a display matrix that turns (ISO/IEC 14496-12, 6.2.2), in units of `UNIT`."""
    for each in frame.side_data:
        if each.type == Type.DISPLAYMATRIX:
            a, b, _u, c, d = struct.unpack_from("=5i", bytes(each))
            return a, b, c, d
    return UNIT, 0, 0, UNIT


def _rgb(frame: Any, high_range: tuple[int, int] | None, width: int, height: int) -> Pixels:
    colors = frame.colorspace
    if colors == UNSAID and frame.height >= HIGH_DEFINITION:
        colors = "ITU709"
    size = {} if (width, height) == (frame.width, frame.height) else {"width": width, "height": height}
    if not high_range:
        converted: Pixels = frame.reformat(format="rgb24", src_colorspace=colors, **size).to_ndarray()
        return converted
    deep = frame.reformat(format="gbrp10le", src_colorspace=colors, dst_color_range="JPEG", **size)
    graph = _tone_mapping(*high_range, width, height)
    graph.push(deep)
    mapped: Pixels = graph.pull().to_ndarray()
    return mapped


@lru_cache(maxsize=1)
def _tone_mapping(curve: int, primaries: int, width: int, height: int) -> Any:
    """A graph of FFmpeg's through which the frames of a film go one after the other."""
    graph: Any = av.filter.Graph()
    with tempfile.TemporaryDirectory(prefix="latent-cube-") as folder:
        path = Path(folder) / "high_range.cube"  # FFmpeg takes it from a file alone, and reads it once
        path.write_text(cube(curve, primaries))
        nodes = [
            graph.add_buffer(width=width, height=height, format="gbrp10le", time_base=Fraction(1, 1000)),
            graph.add("lut3d", file=str(path), interp="tetrahedral"),
            graph.add("format", "rgb24"),
            graph.add("buffersink"),
        ]
        for one, following in pairwise(nodes):
            one.link_to(following)
        graph.configure()
    return graph
