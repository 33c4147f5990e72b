"""ITU-T H.273: the numbers by which pictures and films say their colours (PNG's cICP, the nclx of AVIF and HEIC, FFmpeg's)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

UNSAID = 2
BT709 = 1


class Curve(IntEnum):
    """How light is coded (table 3). Those that are left out are sRGB's, or taken for it."""

    BT709 = 1

    GAMMA_22 = 4
    GAMMA_28 = 5
    LINEAR = 8
    PQ = 16
    HLG = 18


GAMMAS: Mapping[int, float] = {Curve.GAMMA_22: 2.2, Curve.GAMMA_28: 2.8, Curve.LINEAR: 1.0}
CAMERAS = frozenset({Curve.BT709, 6, 14, 15})
"""That of BT.709, which has several numbers."""
HIGH_RANGE = frozenset({Curve.PQ, Curve.HLG})


@dataclass(frozen=True)
class Primaries:
    """What red, green, blue and white are: x and y of each (CIE 1931)."""

    name: str
    red: tuple[float, float]
    green: tuple[float, float]
    blue: tuple[float, float]
    white: tuple[float, float] = (0.3127, 0.3290)


_NTSC = Primaries("BT.601", (0.630, 0.340), (0.310, 0.595), (0.155, 0.070))
PRIMARIES: Mapping[int, Primaries] = {
    BT709: Primaries("sRGB", (0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    4: Primaries("BT.470 M", (0.670, 0.330), (0.210, 0.710), (0.140, 0.080), (0.310, 0.316)),
    5: Primaries("BT.470 BG", (0.640, 0.330), (0.290, 0.600), (0.150, 0.060)),
    6: _NTSC,
    7: _NTSC,
    9: Primaries("BT.2020", (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    11: Primaries("DCI-P3", (0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: Primaries("Display P3", (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
"""By their number (table 2)."""
