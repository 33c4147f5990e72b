"""Pictures as phones, cameras, scanners and scientists make them, and the colours that they say: all made here, from bytes."""

import io
from typing import Any

import imagecodecs
import numpy as np
import pillow_heif
import tifffile
from PIL import Image

from tests.jobs.hostile import HTML, chunk, deep, encode, picture

BAYER = ((0, 1), (1, 2))
"""Which of red, green and blue a sensor sees, in two rows and columns."""
SRGB_TO_CAMERA = (3.2406, -1.5372, -0.4986, -0.9689, 1.8758, 0.0415, 0.0557, -0.2040, 1.0570)
"""DNG's ColorMatrix1, from XYZ, of a camera whose colours are those of sRGB."""


def made_up(width: int, height: int, *, disc: bool = True) -> Any:
    """(height, width, 3), uint8: every colour in its place, and a disc of (200, 60, 40) in the middle."""
    x, y = np.arange(width), np.arange(height)[:, None]
    red = np.broadcast_to(20 + 220 * x / (width - 1), (height, width))
    green = np.broadcast_to(30 + 200 * y / (height - 1), (height, width))
    pixels = np.stack(
        [red, green, np.broadcast_to(20 + 200 * (1 - x / (width - 1)), (height, width))], axis=2
    )
    inside = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (min(width, height) / 4) ** 2
    if disc:
        pixels[inside] = (200, 60, 40)
    return pixels.astype(np.uint8)


def sound() -> dict[str, bytes]:
    """One sound file of every kind that a fresh site takes."""
    sixteen = made_up(30, 20).astype(np.uint16) * 257
    return {
        "heic": heic(np.asarray(picture(size=(12, 8)).resize((48, 32)))),
        "heic-10-bits": heic(sixteen),
        "dng": dng(made_up(64, 48)),
        "tiff-float": tiff((made_up(30, 20) / 255).astype(np.float32), photometric="rgb"),
        "tiff-planar-16": tiff(np.moveaxis(sixteen, 2, 0), photometric="rgb", planarconfig="separate"),
        "tiff-gray-alpha-16": tiff(sixteen[:, :, :2], photometric="minisblack", extrasamples=["unassalpha"]),
    }


def rare() -> dict[str, bytes]:
    """One of every kind that a site takes where its settings say so, by the name of its format."""
    rgb = picture()
    return {
        "jxl": bytes(imagecodecs.jpegxl_encode(np.asarray(rgb), lossless=True)),
        "jp2": encode(rgb, "JPEG2000"),
        "psd": psd(made_up(30, 20)),
        "tga": encode(rgb, "TGA"),
        "ico": encode(picture("RGBA", (48, 48)), "ICO", sizes=[(48, 48)]),
        "ppm": encode(rgb, "PPM"),
    }


def strangers() -> dict[str, bytes]:
    """What is known and not read, by what it is called."""
    return {
        "HTML": HTML,
        "SVG": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "PDF": b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n",
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n",
    }


def tiff(numbers: Any, **options: Any) -> bytes:
    """As tifffile writes them."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, numbers, **{"metadata": None, **options})
    return buffer.getvalue()


def heic(pixels: Any, **options: Any) -> bytes:
    """(H, W, 3) of 8 bits, or of 16, of which 10 are kept."""
    height, width = pixels.shape[:2]
    mode = "RGB" if pixels.dtype == np.uint8 else "RGB;16"
    buffer = io.BytesIO()
    file = pillow_heif.from_bytes(mode, (width, height), np.ascontiguousarray(pixels).tobytes())
    file.save(buffer, **{"quality": -1, "chroma": 444, **options})
    return buffer.getvalue()


def dng(pixels: Any, preview: tuple[int, int] = (32, 24), **options: Any) -> bytes:
    """What a sensor under a Bayer filter sees of (H, W, 3), uint8, in linear light, beside a smaller picture."""
    light = (pixels / 255.0) ** 2.2
    mosaic = np.zeros(pixels.shape[:2], np.uint16)
    for row, colors in enumerate(BAYER):
        for column, color in enumerate(colors):
            mosaic[row::2, column::2] = np.rint(light[row::2, column::2, color] * 65535)
    small = np.asarray(Image.fromarray(pixels).resize(preview))
    matrix = [part for value in SRGB_TO_CAMERA for part in (round(value * 10_000), 10_000)]
    about = [
        (271, 2, 0, "Maker", True),
        (272, 2, 0, "Camera", True),
        (50706, 1, 4, (1, 4, 0, 0), True),
        (50708, 2, 0, "Maker Camera", True),
        (50721, 10, 9, tuple(matrix), True),
        (50728, 5, 3, (1, 1, 1, 1, 1, 1), True),
        (50778, 3, 1, 21, True),
    ]
    sensor = [
        (33421, 3, 2, (2, 2), True),
        (33422, 1, 4, tuple(color for row in BAYER for color in row), True),
        (50714, 3, 1, 0, True),
        (50717, 3, 1, 65535, True),
    ]
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        file.write(small, photometric="rgb", subfiletype=1, subifds=1, extratags=about, metadata=None)
        file.write(mosaic, photometric=32803, subfiletype=0, extratags=sensor, metadata=None, **options)
    return buffer.getvalue()


def psd(pixels: Any) -> bytes:
    """A Photoshop file of (H, W, 3), uint8, without layers."""
    height, width = pixels.shape[:2]
    head = b"8BPS\0\1" + bytes(6) + (3).to_bytes(2) + height.to_bytes(4) + width.to_bytes(4)
    return head + b"\0\x08\0\3" + bytes(12) + b"\0\0" + np.moveaxis(pixels, 2, 0).tobytes()


# What a file says of its colours -------------------------------------------------------------------------


def png_of(pixels: Any, *chunks: bytes) -> bytes:
    """A PNG with more chunks behind its header."""
    plain = encode(Image.fromarray(pixels), "PNG")
    return plain[:33] + b"".join(chunks) + plain[33:]


def cicp(primaries: int, curve: int) -> bytes:
    return chunk(b"cICP", bytes([primaries, curve, 0, 1]))


def gama(gamma: float) -> bytes:
    """`gamma` of the display: what is written is one over it."""
    return chunk(b"gAMA", round(100_000 / gamma).to_bytes(4))


def chrm(*corners: float) -> bytes:
    """x and y of white, red, green and blue."""
    return chunk(b"cHRM", b"".join(round(100_000 * value).to_bytes(4) for value in corners))


def trns(*values: int) -> bytes:
    return chunk(b"tRNS", b"".join(value.to_bytes(2) for value in values))


def in_linear_light(pixels: Any) -> Any:
    """Of sRGB (IEC 61966-2-1), as uint8."""
    coded = pixels / 255.0
    return np.rint(255 * np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)).astype(
        np.uint8
    )


def with_deep_chunks(channels: int, *chunks: bytes) -> tuple[bytes, Any]:
    """A PNG of 16 bits with more chunks behind its header, and its pixels."""
    content, pixels = deep(channels)
    return content[:33] + b"".join(chunks) + content[33:], pixels
