"""Many frames of a scene, each sampled elsewhere, make one picture of more pixels.

Maximum a posteriori reconstruction (Hardie, Barnard and Armstrong, IEEE Trans. IP 1997; Farsiu et al., IEEE Trans. IP
2004): the picture whose blurred and sampled copies are nearest to the frames, pixels that show something else counting
less, under a prior of total variation. It is found by conjugate gradients, each of which projects the frames' residuals
back onto the picture.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import cv2
import numpy as np
from scipy.sparse import csr_matrix, vstack

from ml.burst_super_resolution.registration import Motion, exposure
from ml.core.context import Context
from ml.core.images import Picture, Pixels, from_float, to_float
from ml.core.resize import resize
from ml.core.tiling import Box

ROUNDS, CHROMA_ROUNDS, STEPS = 3, 1, 8
"""Reweightings of outliers and edges, and steps of conjugate gradients in each; color needs less than luminance."""

SMOOTHNESS, CHROMA_SMOOTHNESS = 0.09, 0.3
"""The weight of total variation by the noise's standard deviation, and its rounding off `EDGE`, in 8-bit units: what
is best on simulated bursts."""
EDGE = 4.0

OUTLIER = 3.0
"""In standard deviations, from where on a residual counts for nothing (Tukey's biweight)."""
MISPLACED = 0.5
"""By how many pixels a detail may be off, or what is not yet reconstructed of it, without being an outlier."""
NEIGHBOURHOOD = 5
LEAST_NOISE, FIRST_NOISE = 0.5, 5.0
PROBE_SIDE = 64

MARGIN = 8
"""How many pixels of the frames around a tile are reconstructed with it and cut off: more than the blur reaches."""
MOST_SAMPLES = 500_000
"""The pixels of all frames that are worked on at a time."""
LARGEST_SIDE, SMALLEST_SIDE = 256, 48


@dataclass(frozen=True)
class View:
    """A frame of the scene: `color` (H, W, 1 or 3), integers, and the motion from the reference to it.

    `gains` and `offsets`, one a channel, bring its values, in 8-bit units, to the reference's exposure.
    """

    color: Pixels
    motion: Motion
    gains: np.ndarray
    offsets: np.ndarray

    @classmethod
    def registered(cls, color: Pixels, motion: Motion, reference: Pixels) -> Self:
        return cls(color, motion, *exposure(reference, color, motion))

    @property
    def box(self) -> Box:
        return Box(0, 0, self.color.shape[1], self.color.shape[0])

    def crop(self, box: Box) -> Pixels:
        """Y, Cr and Cb (JPEG's), or gray, of a box, float32 in 8-bit units at the reference's exposure."""
        values = to_float(self.color[box.slices]) * 255 * self.gains + self.offsets
        return opponent(values.astype(np.float32))

    def box_of(self, around: Box, margin: int = 0) -> Box | None:
        """The box of its pixels that shows a box of the reference, which may reach beyond the picture."""
        moved = cv2.perspectiveTransform(_corners(around), self.motion.matrix)[0]
        (left, top), (right, bottom) = np.floor(moved.min(axis=0)), np.ceil(moved.max(axis=0)) + 1
        whole = self.box
        box = Box(
            max(int(left) - margin, 0),
            max(int(top) - margin, 0),
            min(int(right) + margin, whole.right),
            min(int(bottom) + margin, whole.bottom),
        )
        return box if box.width > 0 and box.height > 0 else None


def _corners(box: Box) -> np.ndarray:
    (left, top, right, bottom) = (box.left, box.top, box.right, box.bottom)
    return np.array([[[left, top], [right, top], [right, bottom], [left, bottom]]], np.float64)


def opponent(color: Pixels) -> Pixels:
    """Luminance and two differences of RGB (h, w, 3) in 8-bit units; a gray picture stays."""
    if color.shape[2] == 1:
        return color.astype(np.float32)
    shifted: Pixels = cv2.cvtColor(color.astype(np.float32) / 255, cv2.COLOR_RGB2YCrCb) * 255
    return shifted


def rgb(values: Pixels) -> Pixels:
    """The inverse of `opponent`."""
    if values.shape[2] == 1:
        return values
    return cv2.cvtColor(values / 255, cv2.COLOR_YCrCb2RGB) * 255


def fuse(
    views: Sequence[View], scale: int, context: Context, heard: Callable[[float, Pixels], None]
) -> Pixels:
    """The scene as the first view, the reference, sees it: (H scale, W scale, C) of its depth.

    All views have the same number of channels. Tile by tile; `heard` is told the fraction done and the whole so far.
    """
    reference = views[0]
    whole = reference.box
    start = resize(
        Picture(np.ascontiguousarray(reference.color)),
        whole.width * scale,
        whole.height * scale,
        on_strip=lambda _done: context.check_cancelled(),
    )
    fused = start.pixels.copy()
    noise = estimate_noise(views, scale, context)
    tiles = list(whole.split(tile_side(len(views))))
    for done, tile in enumerate(tiles):

        def step(fraction: float, done: int = done) -> None:
            heard((done + fraction) / len(tiles), fused)
            context.check_cancelled()

        values = Reconstruction(views, tile, scale).solve(noise, step)
        fused[tile.scaled(scale).slices] = from_float(values / 255, fused.dtype)
    return fused


def tile_side(views: int) -> int:
    """In pixels of the reference, so that memory is the same for few frames as for many."""
    side = (MOST_SAMPLES / views) ** 0.5 - 2 * MARGIN
    return int(min(max(side, SMALLEST_SIDE), LARGEST_SIDE))


def estimate_noise(views: Sequence[View], scale: int, context: Context) -> Pixels:
    """The standard deviation (C) of what no picture explains, Y, Cr and Cb in 8-bit units.

    From a few places and for all tiles the same, since they would differ in smoothness else.
    """
    whole = views[0].box
    places = [
        Box(left, top, min(left + PROBE_SIDE, whole.right), min(top + PROBE_SIDE, whole.bottom))
        for left in _spread(whole.width)
        for top in _spread(whole.height)
    ]
    probes = [Reconstruction(views, place, scale) for place in places]
    for probe in probes:
        probe.solve(
            np.full(probe.channels, FIRST_NOISE, np.float32), lambda _fraction: context.check_cancelled()
        )
    found = np.median([probe.residual_noise() for probe in probes], axis=0)
    return np.maximum(found, LEAST_NOISE).astype(np.float32)


def _spread(length: int) -> list[int]:
    """Where probes begin along a side: around a quarter and three of it, or in the middle of a short one."""
    quarters = (1, 3) if length >= 4 * PROBE_SIDE else (2,)
    return [max(0, length * quarter // 4 - PROBE_SIDE // 2) for quarter in quarters]


@dataclass(frozen=True)
class Samples:
    """What a view shows of a tile: `values` (h, w, C) of a box of its pixels, and how they are sampled.

    `sampling` (n, H W) takes the blurred picture of the tile to those n of them that lie `inside` (h, w).
    """

    values: Pixels
    inside: Pixels
    sampling: csr_matrix


def _sampled(view: View, around: Box, scale: int) -> Samples | None:
    box = view.box_of(around)
    if box is None:
        return None
    y, x = np.mgrid[box.top : box.bottom, box.left : box.right].astype(np.float64)
    places = cv2.perspectiveTransform(
        np.stack([x, y], axis=2).reshape(1, -1, 2), np.linalg.inv(view.motion.matrix)
    )[0]
    places = (places - (around.left, around.top) + 0.5) * scale - 0.5
    width, height = around.width * scale, around.height * scale
    reach = 2 * scale  # nearer to the edge they would see what is not reconstructed with the tile
    inside = np.all((places >= reach) & (places <= (width - 1 - reach, height - 1 - reach)), axis=1)
    if not inside.any():
        return None
    sampling = _splines(places[inside], width, height)
    return Samples(view.crop(box), inside.reshape(box.height, box.width), sampling)


def _splines(places: np.ndarray, width: int, height: int) -> csr_matrix:
    """Interpolation by cubic B-splines at places (n, 2) of x and y, each at least a pixel from the border."""
    first = np.floor(places).astype(np.int32)
    t = (places - first).astype(np.float32)[:, :, None]
    weights = np.concatenate(
        [(1 - t) ** 3, 4 - 6 * t**2 + 3 * t**3, 1 + 3 * t + 3 * t**2 - 3 * t**3, t**3], axis=2
    ) / np.float32(6)
    taps = np.arange(-1, 3, dtype=np.int32)
    weights = weights[:, 1, :, None] * weights[:, 0, None, :]
    columns = (first[:, 1, None] + taps)[:, :, None] * width + (first[:, 0, None] + taps)[:, None, :]
    rows = np.arange(0, 16 * len(places) + 1, 16, dtype=np.int32)
    return csr_matrix((weights.ravel(), columns.ravel(), rows), shape=(len(places), width * height))


@cache
def _blur(scale: int) -> np.ndarray:
    """What a camera's pixel sees of pixels `scale` times as small: MATLAB's antialiased bicubic, as in the papers.

    Prefiltered, so that B-splines interpolate what it gives (Unser, IEEE Signal Proc. Mag. 1999).
    """
    t = np.abs(np.arange(-2 * scale, 2 * scale + 1)) / scale
    cubic = np.where(
        t <= 1, 1.5 * t**3 - 2.5 * t**2 + 1, np.where(t < 2, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2, 0)
    )
    pole = 3**0.5 - 2
    prefilter = pole ** np.abs(np.arange(-8, 9)) * -6 * pole / (1 - pole**2)
    return np.convolve(cubic / cubic.sum(), prefilter).astype(np.float32)


def _median(views: Sequence[View], around: Box) -> Pixels:
    """The middle value (h, w, C) at each pixel of the reference, of the views that see it."""
    corner = np.array([[1, 0, around.left], [0, 1, around.top], [0, 0, 1]])
    size = (around.width, around.height)
    middle = []
    for view in views:
        box = view.box_of(around, margin=4)
        if box is None:
            continue
        into = np.array([[1, 0, -box.left], [0, 1, -box.top], [0, 0, 1]]) @ view.motion.matrix @ corner
        # The reference goes on beyond its border, so that every pixel is seen by a view.
        border: dict[str, Any] = {"borderMode": cv2.BORDER_REFLECT}
        if view is not views[0]:
            border = {"borderMode": cv2.BORDER_CONSTANT, "borderValue": (np.nan,) * 4}
        moved = cv2.warpPerspective(
            view.crop(box), into, size, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP, **border
        )
        middle.append(moved.reshape(*size[::-1], -1))
    return np.nanmedian(middle, axis=0).astype(np.float32)


class Reconstruction:
    """The pixels of a tile of the reference that the views ask for."""

    def __init__(self, views: Sequence[View], tile: Box, scale: int) -> None:
        around = Box(tile.left - MARGIN, tile.top - MARGIN, tile.right + MARGIN, tile.bottom + MARGIN)
        size = (around.width * scale, around.height * scale)
        middle = cv2.resize(_median(views, around), size, interpolation=cv2.INTER_CUBIC)
        self._samples = [found for view in views if (found := _sampled(view, around, scale))]
        self._sampling = vstack([each.sampling for each in self._samples], format="csr")
        self._values = np.concatenate([each.values[each.inside] for each in self._samples])
        self._weights = np.ones(len(self._values), np.float32)
        self._kernel = _blur(scale)
        self._found = middle.reshape(*size[::-1], -1)
        self._missing = self._values - self._seen(self._blurred(self._found, cv2.BORDER_REFLECT))
        self._inner = tile.seen_from(around).scaled(scale).slices

    @property
    def channels(self) -> int:
        return int(self._found.shape[2])

    def solve(self, noise: Pixels, step: Callable[[float], None]) -> Pixels:
        """(h scale, w scale, C), float32 in 8-bit units, not clipped; `noise` (C) is a standard deviation.

        Luminance first: it says which pixels are outliers. `step` is told the fraction done.
        """
        plan = [(slice(0, 1), ROUNDS)] + ([(slice(1, 3), CHROMA_ROUNDS)] if self.channels == 3 else [])
        count, steps = itertools.count(1), STEPS * sum(rounds for _, rounds in plan)
        for channels, rounds in plan:
            for _round in range(rounds):
                if channels.start == 0:
                    self._weights = self._trust(self._missing[:, 0], noise[0])
                self._improve(channels, noise[channels], lambda: step(next(count) / steps))
        return rgb(self._found[self._inner])

    def residual_noise(self) -> Pixels:
        """(C): what is left unexplained, by the median, of which outliers are no part."""
        deviation: Pixels = 1.4826 * np.median(np.abs(self._missing), axis=0)
        return deviation

    def _improve(self, channels: slice, noise: Pixels, step: Callable[[], None]) -> None:
        picture, missing = self._found[:, :, channels], self._missing[:, channels]
        edges = _edge_weights(picture)
        strength = (CHROMA_SMOOTHNESS if channels.start else SMOOTHNESS) * noise

        def smoothed(picture: Pixels) -> Pixels:
            return strength * _smoothed(picture, edges)

        def normal(change: Pixels) -> Pixels:
            return self._projected(self._seen(self._blurred(change))) + smoothed(change)

        change = _conjugate_gradients(normal, self._projected(missing) - smoothed(picture), step)
        self._found[:, :, channels] += change
        self._missing[:, channels] -= self._seen(self._blurred(change))

    def _blurred(self, picture: Pixels, border: int = cv2.BORDER_CONSTANT) -> Pixels:
        blurred: Pixels = cv2.sepFilter2D(picture, -1, self._kernel, self._kernel, borderType=border)
        return blurred.reshape(picture.shape)

    def _seen(self, picture: Pixels) -> Pixels:
        """(n, c) of (H, W, c)."""
        return self._sampling @ picture.reshape(-1, picture.shape[2])

    def _projected(self, residuals: Pixels) -> Pixels:
        """Residuals (n, c), weighted, where they came from in the picture: the transpose of blur and sampling."""
        spread = self._sampling.T @ (self._weights[:, None] * residuals)
        return self._blurred(spread.reshape(*self._found.shape[:2], -1))

    def _trust(self, residuals: Pixels, noise: float) -> Pixels:
        """Tukey's biweight (n) of residuals, pooled over a neighbourhood, by the noise and the detail that is there."""
        weights, position = [], 0
        for each in self._samples:
            count = int(each.inside.sum())
            squares = np.zeros(each.inside.shape, np.float32)
            squares[each.inside] = residuals[position : position + count] ** 2
            window = (NEIGHBOURHOOD, NEIGHBOURHOOD)
            share = np.maximum(cv2.blur(each.inside.astype(np.float32), window), 1e-6)
            pooled = cv2.blur(squares, window) / share
            luminance = cv2.GaussianBlur(each.values[:, :, 0], (0, 0), 1)
            detail = cv2.blur(
                cv2.Sobel(luminance, -1, 1, 0, scale=1 / 8) ** 2
                + cv2.Sobel(luminance, -1, 0, 1, scale=1 / 8) ** 2,
                window,
            )
            ratio = pooled / (OUTLIER**2 * (noise**2 + MISPLACED**2 * detail))
            weights.append((np.maximum(1 - ratio, 0) ** 2)[each.inside])
            position += count
        return np.concatenate(weights)


def _edge_weights(picture: Pixels) -> Pixels:
    """(H, W, c): small where the picture has an edge, so that total variation is quadratic in each round."""
    across, down = _differences(picture)
    return 1 / np.sqrt(across**2 + down**2 + np.float32(EDGE) ** 2)


def _differences(picture: Pixels) -> tuple[Pixels, Pixels]:
    return np.diff(picture, axis=1, append=picture[:, -1:]), np.diff(picture, axis=0, append=picture[-1:])


def _smoothed(picture: Pixels, weights: Pixels) -> Pixels:
    """Half the gradient of the weighted squares of the picture's differences."""
    across, down = (weights * each for each in _differences(picture))
    gradient = np.zeros_like(picture)
    gradient[:, :-1] -= across[:, :-1]
    gradient[:, 1:] += across[:, :-1]
    gradient[:-1] -= down[:-1]
    gradient[1:] += down[:-1]
    return gradient


def _conjugate_gradients(
    operator: Callable[[Pixels], Pixels], target: Pixels, step: Callable[[], None]
) -> Pixels:
    """`STEPS` from zero towards `operator(x) == target`, each channel for itself (Hestenes and Stiefel, 1952)."""
    found, residual, direction = np.zeros_like(target), target, target
    size = np.sum(residual**2, axis=(0, 1))
    for _step in range(STEPS):
        ahead = operator(direction)
        length = size / np.maximum(np.sum(direction * ahead, axis=(0, 1)), 1e-12)
        found, residual = found + length * direction, residual - length * ahead
        size, before = np.sum(residual**2, axis=(0, 1)), size
        direction = residual + size / np.maximum(before, 1e-12) * direction
        step()
    return found
