"""A digit on a picture of any size, brought into MNIST's form and back."""

from dataclasses import dataclass

import cv2
import numpy as np

from ml.core.errors import InputError
from ml.core.images import Picture, Pixels, flattened, from_float, to_float
from ml.core.messages import NO_DIGIT
from ml.digits.mnist import SIDE

DIGIT_SIDE = 20
"""MNIST's digits fit into a square of so many pixels, in the middle of 28."""

SEARCHED_SIDE = 280
"""Longer side at which a digit is looked for."""

BLUR = 0.01
"""Radius of the blur that takes noise away for the search, to the longer side."""

REACH = 0.02
"""Over which strokes belong together, to the longer side."""

STROKE = 0.15
"""Width of a stroke of MNIST, to the digit's longer side; thinner ones are made as wide."""

BORDER = 0.1
LEAST_CONTRAST = 0.1
LEAST_SIDE = 0.06
"""Of a digit, to the longer side of the picture."""


@dataclass(frozen=True, eq=False)
class Digit:
    """A digit as MNIST has it, and the square that it comes from, in pixels of the picture."""

    pixels: Pixels
    """(28, 28), float32, ink 1 on ground 0."""
    left: float
    top: float
    side: float
    dark: bool
    """Whether it was dark on a light ground."""


def find_digit(picture: Picture) -> Digit:
    """The largest figure that stands out from its ground; raises `InputError` where none does.

    Scaled into 20 pixels and put with its centre of mass into the middle of 28, as MNIST's authors did; a picture of
    28x28 pixels is taken as it is. Whether the figure is a digit is not asked.
    """
    if (picture.height, picture.width) == (SIDE, SIDE):
        gray = grayscale(picture)
        dark = is_light(gray)
        return Digit(1 - gray if dark else gray, 0, 0, SIDE, dark)
    scale = min(1.0, SEARCHED_SIDE / max(picture.height, picture.width))
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    # Before it is gray floats, which for a large photo would be half a gigabyte.
    pixels = cv2.resize(picture.pixels, size, interpolation=cv2.INTER_AREA)
    small = grayscale(Picture(pixels.reshape(size[1], size[0], -1)))
    dark = is_light(small)
    light = 1 - small if dark else small
    blurred = cv2.GaussianBlur(light, (0, 0), max(0.8, BLUR * max(light.shape)))
    ground = _ground(blurred)
    figure = _largest_figure(np.clip(blurred - ground, 0, 1))
    rows, columns = np.nonzero(figure)
    extent = max(np.ptp(rows), np.ptp(columns)) + 1
    ink = _thick_enough(np.where(figure, np.clip(light - ground, 0, 1), 0), figure, STROKE * extent)
    side = extent * SIDE / DIGIT_SIDE
    top, left = (
        float(np.average(places, weights=0.01 + ink[rows, columns])) + 0.5 - side / 2
        for places in (rows, columns)
    )
    digit = _cut(ink, left, top, side)
    full = np.quantile(digit[digit > digit.max() / 4], 0.75)
    return Digit(np.clip(digit / full, 0, 1), left / scale, top / scale, side / scale, dark)


def put_back(pixels: Pixels, digit: Digit, width: int, height: int, scale: float) -> Picture:
    """A digit (28, 28) where it was on a clean ground, on a picture of that size times `scale`."""
    side = digit.side * scale / SIDE
    matrix = np.array(
        [[side, 0, digit.left * scale + side / 2 - 0.5], [0, side, digit.top * scale + side / 2 - 0.5]]
    )
    size = (round(width * scale), round(height * scale))
    ink = cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_CUBIC)
    return Picture(from_float((1 - ink if digit.dark else ink)[:, :, None], np.uint8))


def grayscale(picture: Picture) -> Pixels:
    """(H, W), float32 from 0 to 1, laid on white where it is transparent."""
    return to_float(flattened(picture).color).mean(axis=2)


def is_light(gray: Pixels) -> bool:
    """Whether the ground is light, by the border."""
    reach = max(1, round(BORDER * min(gray.shape)))
    inner = np.zeros(gray.shape, bool)
    inner[reach:-reach, reach:-reach] = True
    border, inside = gray[~inner], gray[inner]
    if not inside.size:
        return bool(border.mean() > 0.5)
    return bool(np.median(border) > 0.5 * (gray.min() + gray.max()))


def _ground(light: Pixels) -> Pixels:
    """What is around each pixel, which may be lit unevenly: the median of half the picture."""
    reach = max(1, max(light.shape) // 4)
    framed = cv2.copyMakeBorder(from_float(light, np.uint8), reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    return to_float(cv2.medianBlur(framed, 2 * reach + 1)[reach:-reach, reach:-reach])


def _thick_enough(ink: Pixels, figure: Pixels, stroke: float) -> Pixels:
    """With strokes at least so many pixels wide; the mean distance to a stroke's edge is a quarter of its width."""
    distances = cv2.distanceTransform(figure.astype(np.uint8), cv2.DIST_L2, 3)
    missing = round(stroke - 4 * float(distances[figure].mean()))
    if missing < 1:
        return ink
    return cv2.dilate(ink, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (missing + 1, missing + 1)))


def _largest_figure(ink: Pixels) -> Pixels:
    """Which pixels belong to the largest figure, (H, W) bool; raises `InputError`."""
    levels = from_float(ink, np.uint8)
    _threshold, mask = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    strokes = mask > 0
    if not strokes.any() or strokes.all() or ink[strokes].mean() - ink[~strokes].mean() < LEAST_CONTRAST:
        raise InputError(NO_DIGIT)
    reach = max(1, round(REACH * max(ink.shape)))
    joined = cv2.dilate(mask, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    _count, labels, statistics, _centres = cv2.connectedComponentsWithStats(joined)
    height, width = ink.shape
    left, top, wide, high, area = statistics[1:].T
    at_border = (left == 0) | (top == 0) | (left + wide == width) | (top + high == height)
    best = int(np.argmax(np.where(at_border & ~at_border.all(), 0, area)))
    figure = (labels == best + 1) & strokes
    rows, columns = np.nonzero(figure)
    if max(np.ptp(rows), np.ptp(columns)) < LEAST_SIDE * max(ink.shape):
        raise InputError(NO_DIGIT)
    return figure


def _cut(ink: Pixels, left: float, top: float, side: float) -> Pixels:
    """A square of the picture at 28x28 pixels, each the mean of what it covers; outside is ground."""
    fine = 8 * SIDE
    step = side / fine
    matrix = np.array([[step, 0, left + step / 2 - 0.5], [0, step, top + step / 2 - 0.5]])
    square = cv2.warpAffine(ink, matrix, (fine, fine), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
