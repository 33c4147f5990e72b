"""Which frames show the same scene, and where in the first of them each pixel of the others lies."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ml.core.context import Context
from ml.core.images import Pixels, to_float

MOST_PIXELS = 1_000_000
"""Larger frames are registered at that size, where ECC is right to some fiftieth of a pixel: a step of it cannot be
interrupted."""

COARSEST_SIDE = 48
"""The pyramid's smallest level has at least so many pixels to its shorter side."""

BLUR = 5
"""The side of the Gaussian window, in pixels, by which OpenCV keeps noise and aliasing out of the gradients."""

STEPS, AT_ONCE, PRECISION = 48, 2, 1e-6
"""At most so many steps at a level, so many between two questions whether the run must end, and the gain in correlation
that is worth another."""

LEAST_AGREEMENT = 0.7
"""The correlation below which two frames show different things. Frames of one scene, noisy or partly changed, have
0.9 and more, those of others at most a half."""
LEAST_OVERLAP = 0.5
MOST_STRETCH = 1.5

EXPOSURE_SIDE, EXPOSURE_ROUNDS, INLIERS, LEAST_RANGE = 256, 4, 0.8, 16.0


@dataclass(frozen=True)
class Motion:
    """Where a frame's pixels are.

    `matrix` (3, 3) takes a pixel of the reference (x, y, 1) to the frame. `agreement` is the correlation of the
    two, at most 1; where they do not `fit`, the matrix means nothing.
    """

    matrix: np.ndarray
    agreement: float
    fits: bool = True


STILL = Motion(np.eye(3), 1.0)


def luminance(color: Pixels) -> Pixels:
    """(H, W), float32 from 0 to 255, of integer pixels (H, W, 1 or 3)."""
    values = to_float(color) * 255
    return values[:, :, 0] if values.shape[2] == 1 else cv2.cvtColor(values, cv2.COLOR_RGB2GRAY)


def register(reference: Pixels, frame: Pixels, context: Context) -> Motion:
    """The motion between two frames' luminance (H, W), float32 of one shape.

    Phase correlation on the smallest level of a pyramid finds the shift, and the enhanced correlation coefficient
    (Evangelidis and Psarakis, TPAMI 2008) refines it level by level as a rigid motion. A homography takes its place
    where it explains more than its five further parameters would explain of mere noise.
    """
    shrink = min(1.0, (MOST_PIXELS / reference.size) ** 0.5)
    levels = [(_resized(reference, shrink), _resized(frame, shrink))]
    while min(levels[0][0].shape) >= 2 * COARSEST_SIDE:
        levels.insert(0, (_resized(levels[0][0], 0.5), _resized(levels[0][1], 0.5)))
    try:
        shape, agreement, matrix = levels[0][0].shape, 0.0, _shifted(*levels[0])
        for level in levels:
            matrix = _zoomed(matrix, shape, level[0].shape)
            agreement, matrix = _refined(*level, matrix, cv2.MOTION_EUCLIDEAN, context)
            shape = level[0].shape
        agreement, matrix = _bent(*levels[-1], agreement, matrix, context)
    except cv2.error:  # it does not converge, or there is no detail to go by
        return Motion(np.eye(3), 0.0, fits=False)
    matrix = _zoomed(matrix, shape, reference.shape)
    return Motion(matrix, agreement, agreement >= LEAST_AGREEMENT and _plausible(matrix, reference.shape))


def _resized(image: Pixels, scale: float) -> Pixels:
    if scale == 1:
        return image
    height, width = (max(1, round(side * scale)) for side in image.shape)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def _shifted(reference: Pixels, frame: Pixels) -> np.ndarray:
    window = cv2.createHanningWindow((reference.shape[1], reference.shape[0]), cv2.CV_32F)
    # It may multiply what it is given by the window, in place.
    (x, y), _response = cv2.phaseCorrelate(reference.copy(), frame.copy(), window)
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]])


def _refined(
    reference: Pixels, frame: Pixels, matrix: np.ndarray, kind: int, context: Context
) -> tuple[float, np.ndarray]:
    rows = 3 if kind == cv2.MOTION_HOMOGRAPHY else 2
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, AT_ONCE, PRECISION)
    found: Any = matrix[:rows].astype(np.float32)
    agreement = -1.0
    for _some in range(STEPS // AT_ONCE):
        context.check_cancelled()
        before = agreement
        agreement, found = cv2.findTransformECC(reference, frame, found, kind, stop)
        if agreement - before < PRECISION:
            break
    whole = np.eye(3)
    whole[:rows] = found
    return float(agreement), whole


def _bent(
    reference: Pixels, frame: Pixels, agreement: float, rigid: np.ndarray, context: Context
) -> tuple[float, np.ndarray]:
    """The rigid motion, or the homography where the Bayesian information criterion prefers it."""
    try:
        found, homography = _refined(reference, frame, rigid, cv2.MOTION_HOMOGRAPHY, context)
    except cv2.error:
        return agreement, rigid
    pixels = reference.size / BLUR**2  # those within a window depend on each other
    gain = pixels * np.log(max(1 - agreement**2, 1e-9) / max(1 - found**2, 1e-9))
    return (found, homography) if gain > 5 * np.log(pixels) else (agreement, rigid)


def _zoomed(matrix: np.ndarray, shape: tuple[int, ...], target: tuple[int, ...]) -> np.ndarray:
    """A motion between images of `shape`, for the same images at the shape `target`; (0, 0) is a pixel's centre."""
    x, y = target[1] / shape[1], target[0] / shape[0]
    larger = np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]])
    zoomed: np.ndarray = larger @ matrix @ np.linalg.inv(larger)
    return zoomed


def _plausible(matrix: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether a hand could have moved the camera so: most of the scene is still there, and not torn apart."""
    height, width = shape
    corners = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float32)
    moved = cv2.perspectiveTransform(corners, matrix)
    stretch = cv2.contourArea(moved) / (width * height)
    common, _polygon = cv2.intersectConvexConvex(corners, moved)
    return 1 / MOST_STRETCH <= stretch <= MOST_STRETCH and bool(common >= LEAST_OVERLAP * width * height)


def exposure(reference: Pixels, frame: Pixels, motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """Gain and offset (C) of each channel that bring a frame's pixels (H, W, C) nearest to the reference's.

    Both are integers; the offset is in 8-bit units. A straight line through the pixels of small copies; those that
    are off it by most count for nothing.
    """
    height, width = reference.shape[:2]
    shrink = min(1.0, EXPOSURE_SIDE / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    wanted, values = (
        cv2.GaussianBlur(to_float(cv2.resize(each, size, interpolation=cv2.INTER_AREA)) * 255, (0, 0), 2)
        for each in (reference, frame)
    )
    matrix = _zoomed(motion.matrix, (height, width), size[::-1])
    values = cv2.warpPerspective(
        values, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderValue=(np.nan,) * 4
    ).reshape(size[0] * size[1], -1)
    seen = np.isfinite(values).all(axis=1)
    wanted, values = wanted.reshape(values.shape)[seen], values[seen]
    lines = [_line(values[:, channel], wanted[:, channel]) for channel in range(values.shape[1])]
    gains, offsets = zip(*lines, strict=True)
    return np.array(gains, np.float32), np.array(offsets, np.float32)


def _line(values: Pixels, wanted: Pixels) -> tuple[float, float]:
    """Gain and offset from some values to others; without a range of values only the offset."""
    gain, offset = 1.0, float(np.median(wanted - values))
    for _round in range(EXPOSURE_ROUNDS):
        off = np.abs(gain * values + offset - wanted)
        near = off <= np.quantile(off, INLIERS)
        if np.ptp(values[near]) < LEAST_RANGE:
            break
        gain, offset = np.polyfit(values[near], wanted[near], 1)
    return float(gain), float(offset)
