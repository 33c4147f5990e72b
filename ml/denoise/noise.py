"""How noisy a picture is, estimated from the picture alone."""

import numpy as np

from ml.core.images import Picture, Pixels, to_float

PATCHES = 40_000
FEWEST_PATCHES = 1500
SIDE = 6  # of a patch, in pixels; even
WIDEST_MARGIN = 100
SMOOTHEST = 0.1  # the share of patches that is looked at: what texture they have is least


def estimate_sigma(picture: Picture) -> float:
    """Standard deviation of Gaussian noise, in 8-bit units; 0 for a picture too small to tell.

    The noise is the same in all directions of the space of patches, structure is in few of them: Chen, Zhu and
    Heng, "An Efficient Statistical Method for Image Noise Level Estimation", ICCV 2015. Clipping at black and
    white eats noise, so the patches near them are left out in a second pass.
    """
    patches = _patches(picture)
    if len(patches) < FEWEST_PATCHES:
        return 0.0
    sigma = _sigma(patches)
    margin = min(2 * sigma, WIDEST_MARGIN)
    means = patches.mean(axis=2)
    unclipped = patches[((means > margin) & (means < 255 - margin)).all(axis=1)]
    return _sigma(_smoothest(unclipped)) if len(unclipped) >= FEWEST_PATCHES else sigma


def _patches(picture: Picture) -> Pixels:
    """Visible patches spread over the picture, (patches, channels, pixels), from 0 to 255."""
    if min(picture.width, picture.height) < SIDE:
        return np.empty((0, 1, 1), np.float32)
    step = max(1, int(np.sqrt(picture.width * picture.height / PATCHES)))
    windows = np.lib.stride_tricks.sliding_window_view(picture.pixels, (SIDE, SIDE), axis=(0, 1))
    chosen = windows[::step, ::step].reshape(-1, picture.pixels.shape[2], SIDE * SIDE)
    if picture.alpha is not None:
        chosen = chosen[chosen[:, -1].all(axis=1), :-1]
    return to_float(chosen) * 255


def _smoothest(patches: Pixels) -> Pixels:
    """The patches that vary least at half the size, where the noise is weaker and does not decide."""
    halves = patches.reshape(*patches.shape[:2], SIDE // 2, 2, SIDE // 2, 2).mean(axis=(3, 5))
    variance = halves.reshape(*patches.shape[:2], -1).var(axis=2).mean(axis=1)
    keep = max(FEWEST_PATCHES, int(len(patches) * SMOOTHEST))
    return patches[np.argsort(variance, kind="stable")[:keep]]


def _sigma(patches: Pixels) -> float:
    """From the eigenvalues of the patches' covariance: without the largest ones, they spread around the noise's."""
    eigenvalues = np.linalg.eigvalsh(np.cov(patches.reshape(len(patches), -1), rowvar=False))
    for count in range(len(eigenvalues), 0, -1):
        mean = eigenvalues[:count].mean()
        if np.median(eigenvalues[:count]) >= mean:
            return float(np.sqrt(max(mean, 0)))
    return 0.0
