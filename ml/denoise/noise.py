"""How noisy a picture is, estimated from the picture alone.

Every frequency of white noise has the same share of it, and none tells of another. So flat areas are found by their low
frequencies, and the noise is measured there at the others without bias: Ponomarenko et al., "An Automatic Approach to
Lossy Compression of AVIRIS Images", IGARSS 2007. Luma and chroma are looked at apart, on the grid of JPEG, since what
was done to the noisy picture left its mark there: JPEG ends the high frequencies of luma and nearly all of chroma, and
an enlargement lets those of both fall.

The numbers below were found on pictures of BSDS500's training set; `python -m benchmarks.noise_level` says what they give.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.fft import dctn
from scipy.stats import chi2

from ml.core.images import Picture, Pixels, to_float

NONE_BELOW = 1.75
"""An estimate below, in 8-bit units, is as likely what texture a clean picture has: no noise was found."""

SIDE = 8
"""Of a block, in pixels: that of JPEG."""
FEWEST_BLOCKS = 25
MOST_BLOCKS = 40_000
"""Of a larger picture, bands that are spread over it are looked at."""
BAND_HEIGHT = 6
"""Of such a band, in blocks."""
FLAT_SHARE, CHROMA_SHARE, FEWEST_FLAT = 0.03, 0.05, 20
"""How many blocks are taken for flat: a share of all, in luma and in chroma, and a number at least."""
MOST_STRATA, STRATUM = 5, 100
"""Chroma is looked at in parts of equal brightness, since sensors have more noise where it is bright: how many parts at
most, and of how many blocks at least."""
FIRST_MARGIN, MARGIN, WIDEST_SHARE = 16.0, 2.5, 0.7
"""How far a block's mean has to be from black and white, since clipping eats noise: at first in 8-bit units, then in
sigma; and the share of blocks that is left out for it at most."""

ALIKE = 0.7
"""A fifth of the flat blocks has less energy than a quantile; where that says less than this share of what the median
says, the blocks hold texture, or JPEG has ended most of their coefficients."""
ENDED = 0.75
"""A band that has less than this share of what it has on a shifted grid was ended by JPEG."""
ROUNDED = 1.05
"""What rounding by JPEG adds to the sigma of a coefficient, where it does not end it: up to 1.15 at a step of 3 sigma."""
TO_Y_CB_CR = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32
)
"""BT.601 as in JPEG."""
AS_NOISY_AS_RGB = TO_Y_CB_CR / np.linalg.norm(TO_Y_CB_CR, axis=1, keepdims=True)
"""The same in units in which independent noise of R, G and B has its sigma in each of the three; of Y it is 0.669 of it."""

LOWEST, LOW, MIDDLE, HIGHER, HIGHEST, AROUND_MIDDLE = range(6)
_DISTANCE = np.add.outer(np.arange(SIDE), np.arange(SIDE))
BANDS = [
    np.isin(_DISTANCE, sums) for sums in ((1, 2), (3, 4), (5, 6), (7, 8), (9, 10, 11, 12, 13, 14), (4, 5, 6))
]
"""Coefficients of a block by the sum of their two indices; `AROUND_MIDDLE` is a band beside the others."""
TEXTURE = {HIGHEST: 0.02, HIGHER: 0.04, AROUND_MIDDLE: 0.17}
"""By band, the energy that texture has in it for each in the lowest band of the same flat blocks."""
SIZES = np.array([band.sum() for band in BANDS])
MEDIAN_OF_NOISE, FIFTH_OF_NOISE = (chi2.ppf(quantile, SIZES) / SIZES for quantile in (0.5, 0.2))
"""Quantiles of a band's mean square where there is noise of sigma 1 only."""


def estimate_sigma(picture: Picture) -> float:
    """Standard deviation of the noise of each colour channel, in 8-bit units; 0 for a picture too small to tell.

    Of a picture that was noisy and then became a JPEG it is about what the noise was before, which is what the
    network has to be told: luma has it still. Of one that was resized it is what was left.
    """
    if min(picture.width, picture.height) < 2 * SIDE:
        return 0.0
    blocks = _Blocks.of(picture)
    if min(len(grid.brightness) for grid in (blocks.aligned, blocks.shifted)) < FEWEST_BLOCKS:
        return 0.0
    first = _level(blocks, FIRST_MARGIN)
    return _level(blocks, MARGIN * first)


@dataclass(frozen=True)
class _Plane:
    """The blocks of a plane that can be seen: in each band the mean square (blocks, bands), and how flat each is."""

    energies: Pixels
    unevenness: Pixels
    """(blocks,): the energy of the lowest band there and in the eight blocks around."""

    @classmethod
    def of(cls, plane: Pixels, seen: Pixels) -> "_Plane":
        """From values (height, width) in 8-bit units and which blocks (rows, columns) are seen."""
        squares = dctn(_cut(plane), axes=(2, 3), norm="ortho") ** 2
        energies = np.stack([squares[..., band].mean(axis=-1) for band in BANDS], axis=-1)
        # A block beside one that is hidden is no flat area, whatever is below the transparency.
        lowest = np.where(seen, energies[..., LOWEST], 255.0**2).astype(np.float32)
        around = cv2.blur(lowest, (3, 3), borderType=cv2.BORDER_REFLECT)
        return cls(energies[seen], around[seen])


@dataclass(frozen=True)
class _Grid:
    """Luma on one grid of blocks, and what its blocks are like, (blocks,)."""

    luma: _Plane
    brightness: Pixels
    distance: Pixels
    """How far the mean of the nearest channel is from black or white."""
    seen: Pixels
    """(rows, columns)."""

    @classmethod
    def of(cls, color: Pixels, opaque: Pixels) -> "_Grid":
        seen: Pixels = np.asarray(_cut(opaque).all(axis=(2, 3)))
        means = np.stack([_cut(channel).mean(axis=(2, 3))[seen] for channel in np.moveaxis(color, 2, 0)])
        distance = np.minimum(means, 255 - means).min(axis=0)
        return cls(_Plane.of(_plane(color, 0), seen), means.mean(axis=0), distance, seen)

    def unclipped(self, margin: float) -> Pixels:
        """Which blocks are `margin` away from black and white, or as far as there are some, (blocks,)."""
        return self.distance >= min(margin, float(np.quantile(self.distance, WIDEST_SHARE)))


@dataclass(frozen=True)
class _Blocks:
    """A picture's blocks on the grid of JPEG and on the one half a block further."""

    aligned: _Grid
    shifted: _Grid
    chroma: list[_Plane]
    """Cb and Cr on the first grid; none of a gray picture."""

    @property
    def brightness(self) -> Pixels:
        return self.aligned.brightness

    @classmethod
    def of(cls, picture: Picture) -> "_Blocks":
        pixels = _bands_of(picture.pixels)
        color = to_float(Picture(pixels).color) * 255
        opaque = np.ones(pixels.shape[:2], bool) if picture.alpha is None else pixels[:, :, -1] > 0
        half = SIDE // 2
        aligned = _Grid.of(color, opaque)
        gray = color.shape[2] == 1 or bool((color == color[:, :, :1]).all())
        chroma = [] if gray else [_Plane.of(_plane(color, index), aligned.seen) for index in (1, 2)]
        return cls(aligned, _Grid.of(color[half:, half:], opaque[half:, half:]), chroma)


@dataclass(frozen=True)
class _Flat:
    """What the flat blocks of a plane have in each band, as the sigma of the noise that would give it, (bands,)."""

    median: Pixels
    fifth: Pixels
    """By the quantile below which a fifth of the blocks is."""
    mean: Pixels

    @classmethod
    def of(cls, plane: _Plane, kept: Pixels, share: float) -> "_Flat":
        energies, unevenness = plane.energies[kept], plane.unevenness[kept]
        flattest = energies[
            np.argsort(unevenness, kind="stable")[: max(FEWEST_FLAT, int(len(energies) * share))]
        ]
        return cls(
            np.sqrt(np.median(flattest, axis=0) / MEDIAN_OF_NOISE),
            np.sqrt(np.quantile(flattest, 0.2, axis=0) / FIFTH_OF_NOISE),
            np.sqrt(flattest.mean(axis=0)),
        )

    @property
    def cautious(self) -> Pixels:
        """The mean; at low frequencies, of which there may be texture, only where the blocks are alike, (bands,)."""
        found = self.mean.copy()
        for band in (LOWEST, LOW):
            if not self.alike(band):
                found[band] = self.fifth[band]
        return found

    def alike(self, band: int) -> bool:
        """Whether the blocks have as much as each other, as with noise."""
        return bool(self.fifth[band] >= ALIKE * self.median[band])


def _level(blocks: _Blocks, margin: float) -> float:
    """The level by the blocks that are `margin` (8-bit units) away from black and white."""
    kept = blocks.aligned.unclipped(margin)
    luma = _Flat.of(blocks.aligned.luma, kept, FLAT_SHARE)
    shifted = _Flat.of(blocks.shifted.luma, blocks.shifted.unclipped(margin), FLAT_SHARE)
    if _ended_by_jpeg(luma, shifted):
        return _by_luma_of_jpeg(luma)
    if blocks.chroma:
        chroma = _chroma(blocks, kept)
        if _chroma_tells(chroma, luma):
            return _by_chroma(chroma)
    return _by_luma(luma)


def _ended_by_jpeg(luma: _Flat, shifted: _Flat) -> bool:
    """Whether high frequencies are missing on JPEG's grid, and there on another."""
    return any(
        here[band] < ENDED * there[band] and there[band] > 1
        for band in (HIGHER, HIGHEST)
        for here, there in ((luma.median, shifted.median), (luma.fifth, shifted.fifth))
    )


def _chroma(blocks: _Blocks, kept: Pixels) -> Pixels:
    """Sigma in each band, the mean variance of Cb and Cr and of all brightnesses, (bands,)."""
    chosen = np.flatnonzero(kept)
    order = chosen[np.argsort(blocks.brightness[chosen], kind="stable")]
    strata = np.array_split(order, max(1, min(MOST_STRATA, len(order) // STRATUM)))
    found = [_Flat.of(plane, stratum, CHROMA_SHARE).cautious for plane in blocks.chroma for stratum in strata]
    return np.sqrt(np.mean(np.square(found), axis=0))


def _chroma_tells(chroma: Pixels, luma: _Flat) -> bool:
    """Whether the noise of chroma is whole: all of it there, or fallen no lower than that of luma.

    JPEG with 4:2:0 leaves only its lowest frequencies. Where it is whole it tells more than luma, whose texture it
    does not have.
    """
    highest = chroma[HIGHEST]
    white = highest > 1 and highest >= 0.7 * chroma[MIDDLE] and highest >= 0.4 * luma.median[HIGHEST]
    return bool(white or highest >= 0.6 * luma.median[HIGHEST])


def _by_chroma(chroma: Pixels) -> float:
    """Where the bands fall evenly all of them together; else JPEG has ended some, and the strongest has it all."""
    falling = all(chroma[band] >= 0.97 * chroma[band + 1] for band in (LOW, MIDDLE, HIGHER))
    return _together(chroma) if falling else float(chroma[LOW : HIGHEST + 1].max())


def _by_luma(luma: _Flat) -> float:
    """The highest band, which has least of texture; but all together where they fall with the blocks all alike."""
    white = luma.median[HIGHEST] >= 0.8 * luma.median[AROUND_MIDDLE]
    all_alike = luma.mean[LOW] < 1.15 * luma.median[LOW] and luma.fifth[LOW] > 0.85 * luma.median[LOW]
    if not white and all_alike:
        return _together(luma.median)
    return _noise_in(luma, HIGHEST)


def _by_luma_of_jpeg(luma: _Flat) -> float:
    """The highest band that JPEG has left whole."""
    for band in (HIGHEST, HIGHER):
        if luma.median[band] >= 0.8 * luma.median[AROUND_MIDDLE] and luma.alike(band):
            break
    else:
        band = AROUND_MIDDLE
    return _noise_in(luma, band) / (1 if band == HIGHEST else ROUNDED)


def _noise_in(luma: _Flat, band: int) -> float:
    """What a band has, without the texture that is to be expected there by the lowest band."""
    sigmas = luma.median if luma.alike(band) else luma.fifth
    share = TEXTURE[band]
    return float(np.sqrt(max(0.0, sigmas[band] ** 2 - share * sigmas[LOWEST] ** 2) / (1 - share)))


def _together(sigmas: Pixels) -> float:
    """Sigma over all coefficients, (bands,) given; the lowest ones, which have most of structure, by those above."""
    falling = sigmas[HIGHEST] < 0.6 * sigmas[MIDDLE]
    lowest = min(sigmas[LOWEST], 1.42 * sigmas[LOW]) if falling else sigmas[LOW]
    variances = np.square(np.concatenate([[lowest], sigmas[LOW:AROUND_MIDDLE]]))
    # The mean of a block has as much noise as the lowest band.
    counts = SIZES[:AROUND_MIDDLE] + np.array([1, 0, 0, 0, 0])
    return float(np.sqrt((variances * counts).sum() / SIDE**2))


def _plane(color: Pixels, index: int) -> Pixels:
    """Y, Cb or Cr of pixels (H, W, 1 or 3), as noisy as R, G and B; gray as it is."""
    if color.shape[2] == 1:
        return color[:, :, 0]
    gray = index == 0 and bool((color == color[:, :, :1]).all())
    return color[:, :, 0] if gray else color @ AS_NOISY_AS_RGB[index]


def _cut(plane: Pixels) -> Pixels:
    """A plane (height, width) as blocks (rows, columns, 8, 8), without what is left over."""
    rows, columns = (side // SIDE for side in plane.shape)
    whole = plane[: rows * SIDE, : columns * SIDE]
    return whole.reshape(rows, SIDE, columns, SIDE).transpose(0, 2, 1, 3)


def _bands_of(pixels: Pixels) -> Pixels:
    """The pixels, or of a large picture bands that are spread evenly, one below the other, on the grid."""
    height, width = pixels.shape[:2]
    tall = BAND_HEIGHT * SIDE
    count = max(1, MOST_BLOCKS * SIDE**2 // (tall * max(width, 1)))
    if height < 2 * tall * count:
        return pixels
    starts = np.linspace(0, height // SIDE - BAND_HEIGHT, count).astype(int) * SIDE
    return np.concatenate([pixels[start : start + tall] for start in starts])
