"""High dynamic range, shown on a display that has none.

The curves are those of ITU-R BT.2100. What is as bright as SDR's white (203 cd/m² by ITU-R BT.2408) or darker stays as it is
but for the last part below white, which makes room for what is brighter.
"""

from functools import cache

import numpy as np

from ml.core.h273 import BT709, PRIMARIES, Curve, Primaries
from ml.core.images import Pixels

SDR_WHITE = 203.0
PQ_PEAK = 10_000.0
HLG_PEAK, HLG_GAMMA = 1000.0, 1.2
KNEE = 0.75
"""Of SDR's white; darker light is left alone."""
BRIGHTEST = 1000.0 / SDR_WHITE
"""That becomes white; brighter light is white, too."""
LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)
"""Of BT.2020's red, green and blue."""
CUBE_SIDE = 65


def tone_mapped(signal: Pixels, curve: int, primaries: int) -> Pixels:
    """A PQ or HLG signal (..., 3) from 0 to 1 as sRGB from 0 to 1, both float32."""
    light = _from_pq(signal) if curve == Curve.PQ else _from_hlg(signal)
    brightest = light.max(axis=-1, keepdims=True)
    light *= np.divide(_rolled_off(brightest), brightest, out=np.ones_like(brightest), where=brightest > 0)
    return coded(np.clip(light @ _to_bt709(primaries).T, 0, 1))


def coded(light: Pixels) -> Pixels:
    """Linear light from 0 to 1 by sRGB's curve (IEC 61966-2-1)."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.power(light, 1 / 2.4) - 0.055)


@cache
def cube(curve: int, primaries: int) -> str:
    """The same for a grid of colours, in the form that FFmpeg's lut3d reads; red changes fastest."""
    steps = np.linspace(0, 1, CUBE_SIDE, dtype=np.float32)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    mapped = tone_mapped(np.stack([red, green, blue], axis=-1).reshape(-1, 3), curve, primaries)
    lines = (f"{r:.5f} {g:.5f} {b:.5f}" for r, g, b in mapped.tolist())
    return "\n".join([f"LUT_3D_SIZE {CUBE_SIDE}", *lines, ""])


def _from_pq(signal: Pixels) -> Pixels:
    """Light, 1 at SDR's white."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = np.power(np.clip(signal, 0, 1).astype(np.float32), 1 / m2)
    light = np.power(np.maximum(root - c1, 0) / (c2 - c3 * root), 1 / m1)
    return light * np.float32(PQ_PEAK / SDR_WHITE)


def _from_hlg(signal: Pixels) -> Pixels:
    """Light on a display of 1000 cd/m², 1 at SDR's white."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    signal = np.clip(signal, 0, 1).astype(np.float32)
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    luminance = np.maximum(scene @ LUMINANCE, 1e-6)[..., None]
    light: Pixels = scene * np.power(luminance, HLG_GAMMA - 1) * (HLG_PEAK / SDR_WHITE)
    return light.astype(np.float32)


def _rolled_off(light: Pixels) -> Pixels:
    """From the knee on along a curve that goes through it with slope 1, and through white at `BRIGHTEST`."""
    span, over = 1 - KNEE, np.clip(light, KNEE, BRIGHTEST) - KNEE
    most = BRIGHTEST - KNEE
    # x / (1 + x / s), stretched so that `most` becomes `span`
    bend = span * most / (most - span)
    return np.minimum(light, KNEE) + over / (1 + over / bend)


@cache
def _to_bt709(primaries: int) -> Pixels:
    matrix = np.linalg.inv(_to_xyz(PRIMARIES[BT709])) @ _to_xyz(PRIMARIES.get(primaries, PRIMARIES[9]))
    return matrix.astype(np.float32)


def _to_xyz(of: Primaries) -> Pixels:
    """The matrix (3, 3) from linear RGB to XYZ, white having a Y of 1."""
    corners = np.array([[x / y, 1, (1 - x - y) / y] for x, y in (of.red, of.green, of.blue)]).T
    x, y = of.white
    return corners * np.linalg.solve(corners, np.array([x / y, 1, (1 - x - y) / y]))
