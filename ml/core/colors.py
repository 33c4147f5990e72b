"""What the numbers of a picture mean, and the same picture in sRGB.

A file says so by an ICC profile, or by numbers: cICP, gAMA and cHRM (PNG, third edition, 11.3.2), nclx (ISO/IEC 23008-12).
What it says by numbers becomes a profile, too, but for high dynamic range, which none can tell.
"""

import io
import struct
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

from ml.core.h273 import BT709, CAMERAS, GAMMAS, HIGH_RANGE, PRIMARIES, Primaries
from ml.core.hdr import tone_mapped
from ml.core.images import Pixels, from_float, plain, to_float
from ml.core.text import excerpt

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""Pillow's, by the colours that a profile is for."""
FITTING = {
    "CMYK": "CMYK",
    **dict.fromkeys(("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N"), "L"),
}
"""The mode of the profiles for an image of a mode; RGB's for all others."""
UNSEEN = 1
"""By so many of 255 levels may a profile differ from sRGB and be it: rounding."""
HEAD_BYTES = 65_536
"""Within so many bytes of a file stand the numbers."""
SRGB_GAMMA, NEAR_GAMMA = 0.4545, 0.0005
"""gAMA of a file that means sRGB, whose curve is nearly such a power."""
TELEVISION_GAMMA = 2.4
"""By which a display shows what a camera coded (ITU-R BT.1886). Browsers do so with a PNG, and take an AVIF for sRGB."""
LONGEST_NAME = 40


@dataclass(frozen=True)
class Colors:
    """An ICC profile and what a person calls it, or the numbers of high dynamic range; without either, sRGB."""

    profile: bytes = b""
    name: str = ""
    high_range: tuple[int, int] | None = None
    """H.273's curve and primaries."""

    def foreign(self, mode: str) -> bool:
        """Whether the numbers of an image of Pillow's `mode` mean other colours than in sRGB, and it is known which."""
        if self.high_range:
            return True
        of, same = _use(self.profile) if self.profile else ("", True)
        return not same and of == FITTING.get(mode, "RGB")

    def misfit(self, mode: str) -> bool:
        """Whether it has a profile that is of no use for such an image."""
        return bool(self.profile) and _use(self.profile)[0] != FITTING.get(mode, "RGB")


def colors_of(image: Image.Image, head: bytes) -> Colors:
    """Of an opened file that begins so; `HEAD_BYTES` are enough."""
    data, numbers = image.info.get("icc_profile"), _numbers(image, head)
    if numbers and (image.format == "PNG" or not data):  # of a PNG, numbers come first (11.3.2)
        return by_numbers(*numbers, cameras=TELEVISION_GAMMA if image.format == "PNG" else None)
    if data:
        return by_profile(data)
    return _by_gamma(image) if image.format == "PNG" and "srgb" not in image.info else Colors()


def by_profile(profile: bytes) -> Colors:
    """As an ICC profile says, which may be none."""
    return Colors(profile, described(profile)) if profile else Colors()


def by_numbers(primaries: int, curve: int, cameras: float | None = None) -> Colors:
    """By H.273's; what it leaves open, and we do not know, is taken for sRGB, and so is a camera's curve without a gamma."""
    if curve in HIGH_RANGE:
        return Colors(high_range=(curve, primaries))
    known, gamma = PRIMARIES.get(primaries, PRIMARIES[BT709]), GAMMAS.get(curve)
    if curve in CAMERAS:
        gamma = cameras
    if known is PRIMARIES[BT709] and gamma is None:
        return Colors()
    return Colors(_profile(known, gamma), _name(known, gamma))


def to_srgb(image: Image.Image, colors: Colors) -> Image.Image:
    """A Pillow image of 8 bits converted from its colours; the same object where they are sRGB already."""
    if not colors.foreign(image.mode) or image.mode.startswith(("I", "F")):
        return image
    source = image if image.mode == "CMYK" else plain(image)
    alpha = source.getchannel("A") if source.mode in ("RGBA", "LA") else None
    if alpha is not None:
        source = source.convert(source.mode[:-1])
    converted = _converted(source, colors)
    if converted is None:
        return image
    if alpha is not None:
        converted.putalpha(alpha)
    return converted


def pixels_to_srgb(color: Pixels, colors: Colors) -> Pixels:
    """Colour (H, W, 1, 3, or 4 of CMYK) of 8 or 16 bits converted from what is `foreign`."""
    if colors.high_range:
        light = tone_mapped(np.broadcast_to(to_float(color), (*color.shape[:2], 3)), *colors.high_range)
        converted = from_float(light, color.dtype)
    else:
        converted = _transformed(color, colors.profile)
    return converted[:, :, :1] if color.shape[2] == 1 else converted


def _converted(source: Image.Image, colors: Colors) -> Image.Image | None:
    if colors.high_range:
        light = tone_mapped(to_float(np.asarray(source.convert("RGB"))), *colors.high_range)
        converted: Image.Image | None = Image.fromarray(from_float(light, np.uint8))
    else:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(colors.profile))
        try:
            converted = ImageCms.profileToProfile(source, profile, SRGB, outputMode="RGB")
        except ImageCms.PyCMSError:
            return None
    return converted.convert("L") if converted and source.mode == "L" else converted


def _transformed(color: Pixels, profile: bytes) -> Pixels:
    import imagecodecs

    space = {1: "gray", 3: "rgb", 4: "cmyk"}[color.shape[2]]
    flat = np.ascontiguousarray(color[:, :, 0] if space == "gray" else color)
    converted: Pixels = imagecodecs.cms_transform(
        flat, profile, SRGB.tobytes(), colorspace=space, outcolorspace="rgb"
    )
    return converted


@lru_cache(maxsize=8)
def _use(profile: bytes) -> tuple[str, bool]:
    """The mode of the images that it is for, empty where it cannot be used, and whether it is sRGB after all.

    Its name does not tell: what it makes of colours does.
    """
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = MODES.get(opened.profile.xcolor_space.strip(), "")
        if not mode:
            return "", False
        probe = _probe(mode)
        seen = ImageCms.profileToProfile(probe, opened, SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return "", False
    if mode == "CMYK" or seen is None:
        return mode, False
    difference = np.asarray(seen).astype(int) - np.asarray(probe.convert("RGB"))
    return mode, bool(np.abs(difference).max() <= UNSEEN)


def _probe(mode: str) -> Image.Image:
    """Colours from all over."""
    steps = np.linspace(0, 255, 16).round().astype(np.uint8)
    if mode == "L":
        return Image.fromarray(steps[None])
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(16, -1, 3)
    return Image.fromarray(grid).convert(mode)


def described(profile: bytes) -> str:
    """What a profile calls itself."""
    try:
        name = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))
        return excerpt(name, LONGEST_NAME)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return ""


def _numbers(image: Image.Image, head: bytes) -> tuple[int, int] | None:
    """Primaries and curve by H.273."""
    match image.format:
        case "PNG":
            place = head.find(b"\0\0\0\4cICP", 0, head.find(b"IDAT"))
            return (head[place + 8], head[place + 9]) if place >= 0 else None
        case "AVIF":
            place = head.find(b"colrnclx", 0, head.find(b"mdat"))
            found = head[place + 8 : place + 12]
            return struct.unpack(">HH", found) if place >= 0 and len(found) == 4 else None
    return None


def _by_gamma(image: Image.Image) -> Colors:
    """By gAMA and cHRM of a PNG; a file that says one of them means sRGB by the other."""
    power, corners = image.info.get("gamma"), image.info.get("chromaticity")
    near_srgb = not corners and abs((power or 0) - SRGB_GAMMA) <= NEAR_GAMMA
    gamma = 1 / power if power and not near_srgb else None
    if not (gamma or corners):
        return Colors()
    primaries = PRIMARIES[BT709]
    if corners:
        white, red, green, blue = (tuple(corners[place : place + 2]) for place in (0, 2, 4, 6))
        primaries = Primaries("cHRM", red, green, blue, white)
    return Colors(_profile(primaries, gamma), _name(primaries, gamma))


def _profile(primaries: Primaries, gamma: float | None) -> bytes:
    """An ICC profile of these, with sRGB's curve where there is no gamma; empty where no light is so."""
    import imagecodecs

    curve = {"gamma": gamma} if gamma else {"transferfunction": _srgb_curve()}
    corners = [(*corner, 1.0) for corner in (primaries.red, primaries.green, primaries.blue)]
    try:
        made = imagecodecs.cms_profile(
            "rgb",
            whitepoint=[*primaries.white, 1.0],
            primaries=[value for corner in corners for value in corner],
            **curve,
        )
    except (RuntimeError, ValueError):
        return b""
    return bytes(made)


@lru_cache(maxsize=1)
def _srgb_curve() -> Pixels:
    coded = np.linspace(0, 1, 4096)
    light = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    return np.rint(light * 65535).astype(np.uint16)


def _name(primaries: Primaries, gamma: float | None) -> str:
    return f"{primaries.name}, gamma {gamma:.3g}" if gamma else primaries.name
