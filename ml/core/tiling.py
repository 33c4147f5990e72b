"""Pictures of any size in overlapping tiles: bounded memory, no seams, live progress."""

import itertools
import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ml.core.context import Context
from ml.core.device import each_layer, free_memory, out_of_memory
from ml.core.errors import OutOfMemory
from ml.core.images import Picture, Pixels, to_depth
from ml.core.messages import TOO_LITTLE_MEMORY
from ml.core.resize import resample, resize
from ml.core.text import Message

if TYPE_CHECKING:
    from torch import nn

SMALLEST_SIDE = 16
RESAMPLING_REACH = 3
"""How far a pixel of a result that is no smaller sees, in pixels of the picture: the bicubic's two, and its rounded place."""
PREVIEW_SIDE = 768
PREVIEW_SECONDS = 0.5


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels; `right` and `bottom` are outside it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def slices(self) -> tuple[slice, slice]:
        """To index an array of (height, width, …)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def split(self, side: int) -> Iterator["Box"]:
        """Into the least number of boxes at most `side` wide and high, of even sizes: no thin last strip."""
        for top, bottom in _even(self.top, self.bottom, side):
            for left, right in _even(self.left, self.right, side):
                yield Box(left, top, right, bottom)

    def grown(self, margin: int, within: "Box", align: int = 1) -> "Box":
        """With a margin as far as there is one; left and top at multiples of `align`."""
        return Box(
            max(self.left - margin, within.left) // align * align,
            max(self.top - margin, within.top) // align * align,
            min(self.right + margin, within.right),
            min(self.bottom + margin, within.bottom),
        )

    def scaled(self, scale: int) -> "Box":
        return Box(self.left * scale, self.top * scale, self.right * scale, self.bottom * scale)

    def placed(self, across: float, down: float) -> "Box":
        """At a scale of each axis, at whole pixels: neighbours stay neighbours."""
        return Box(
            round(self.left * across),
            round(self.top * down),
            round(self.right * across),
            round(self.bottom * down),
        )

    def seen_from(self, other: "Box") -> "Box":
        return Box(
            self.left - other.left, self.top - other.top, self.right - other.left, self.bottom - other.top
        )


def _even(start: int, stop: int, side: int) -> Iterator[tuple[int, int]]:
    parts = math.ceil((stop - start) / side)
    edges = [start + (stop - start) * part // parts for part in range(parts + 1)]
    return itertools.pairwise(edges)


def tiled(
    picture: Picture,
    function: Callable[[Picture], Picture],
    context: Context,
    *,
    side: int,
    overlap: int,
    scale: int = 1,
    size: tuple[int, int] | None = None,
    align: int = 1,
    network: "nn.Module | None" = None,
    note: Message | None = None,
) -> Picture:
    """`function` of a picture, tile by tile; it returns each `scale` times as wide and high.

    With a `size` (width, height) the result is resampled to it, tile by tile as well: it is never held at `scale`.

    A tile is at most `side` pixels wide and high and is handed over with `overlap` pixels more on each side,
    which are cut off afterwards: as far as the function sees, the tile has no border but the picture's. Its left
    and top stand at multiples of `align`, for networks that shrink a picture inside.
    Between tiles, and between the layers of the `network` through which `function` puts each of them once, the
    context hears the progress and may end the run; it gets a preview. When memory does not
    suffice the tiles are halved and those already done are kept; raises `OutOfMemory` when none is small enough.
    """
    whole = Box(0, 0, picture.width, picture.height)
    pending, side, done = [whole], max(side, 1), 0
    result: Pixels | None = None
    exact = picture.width * scale, picture.height * scale
    size = size or exact
    across, down = size[0] / picture.width, size[1] / picture.height
    margin = overlap if size == exact else overlap + RESAMPLING_REACH
    preview = _Preview(picture, size, context)

    def advance(pixels: float) -> None:
        context.advance((done + pixels) / (whole.width * whole.height), note)

    advance(0)
    while pending:
        box = pending.pop(0)
        if max(box.width, box.height) > side:
            pending[:0] = box.split(side)
            continue
        around = box.grown(margin, whole, align)
        layers = _layers(network, advance, box.width * box.height)
        try:
            with layers:
                tile: Picture | None = function(Picture(picture.pixels[around.slices]))
        except Exception as error:
            if not out_of_memory(error):
                raise
            tile = None
        # Outside the handler, whose traceback keeps the tensors of the failed tile alive.
        if tile is None:
            free_memory()
            side = max(box.width, box.height) // 2
            if side < SMALLEST_SIDE:
                raise OutOfMemory(TOO_LITTLE_MEMORY)
            pending.insert(0, box)
            continue
        target = box.placed(across, down)
        if size == exact:
            pixels = tile.pixels[box.seen_from(around).scaled(scale).slices]
        else:
            pixels = _resampled(tile, target, (scale / across, scale / down), around.scaled(scale))
        if result is None:
            result = np.empty((size[1], size[0], pixels.shape[2]), pixels.dtype)
        result[target.slices] = pixels
        done += box.width * box.height
        advance(0)
        preview.add(target, result)
    assert result is not None
    return Picture(result)


def _resampled(tile: Picture, target: Box, step: tuple[float, float], at: Box) -> Pixels:
    """What a tile that lies `at` its place has within the target, whose pixels are `step` of the tile's apart."""
    left, right = (min(max(edge * step[0] - at.left, 0), tile.width) for edge in (target.left, target.right))
    top, bottom = (min(max(edge * step[1] - at.top, 0), tile.height) for edge in (target.top, target.bottom))
    return resample(tile.pixels, (target.width, target.height), (left, top, right, bottom))


def _layers(
    network: "nn.Module | None", advance: Callable[[float], None], pixels: int
) -> AbstractContextManager[None]:
    return nullcontext() if network is None else each_layer(network, lambda part: advance(part * pixels))


class _Preview:
    """How the result looks so far: the picture resized, with the tiles that are done pasted in."""

    def __init__(self, picture: Picture, size: tuple[int, int], context: Context) -> None:
        self._picture, self._context, self._size = picture, context, size
        self._shrink = min(1.0, PREVIEW_SIDE / max(self._size))
        self._new: list[Box] = []
        self._shown = time.monotonic()

    def add(self, box: Box, result: Pixels) -> None:
        """The result is there within the box. Only what is shown is drawn: a quick run has nothing to draw."""
        self._new.append(box)
        if time.monotonic() - self._shown >= PREVIEW_SECONDS:
            for each in self._new:
                self._paste(each, result[each.slices])
            self._new.clear()
            self._context.preview(Picture(self._canvas.copy()))
            self._shown = time.monotonic()

    @cached_property
    def _canvas(self) -> Pixels:
        width, height = (max(1, round(length * self._shrink)) for length in self._size)
        return resize(self._picture.thumbnail(2 * PREVIEW_SIDE), width, height).pixels

    def _paste(self, box: Box, pixels: Pixels) -> None:
        left, top, right, bottom = (
            round(edge * self._shrink) for edge in (box.left, box.top, box.right, box.bottom)
        )
        if right > left and bottom > top:
            tile = Picture(to_depth(pixels, np.uint8))
            self._canvas[top:bottom, left:right] = resize(tile, right - left, bottom - top).pixels
