"""Small pictures of every kind that people have, written with the libraries that they come from."""

import io
import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageCms

WIDTH, HEIGHT = 24, 20


def scene(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """(height, width, 3) from 0 to 1: a gradient, a disc and an edge, no channel like another."""
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    disc = ((x - 0.5) ** 2 + (y - 0.4) ** 2 < 0.06).astype(float)
    return np.clip(np.stack([x, 0.7 * disc + 0.2, 1 - y], axis=2), 0, 1)


def alpha(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """(height, width, 1) from 0 to 1: transparent at the left, opaque at the right, smooth between."""
    ramp = np.clip((np.arange(width) / width - 0.25) * 2, 0, 1)
    return np.broadcast_to(ramp, (height, width))[:, :, None].copy()


def ints(values: np.ndarray, dtype: type = np.uint8) -> np.ndarray:
    return np.rint(values * np.iinfo(dtype).max).astype(dtype)


def photo(width: int, height: int, seed: int = 0) -> np.ndarray:
    """(height, width, 3) uint8 with detail at all sizes."""
    rng = np.random.default_rng(seed)
    layers = [
        cv2.resize(
            rng.random((height // size + 2, width // size + 2, 3)),
            (width, height),
            interpolation=cv2.INTER_CUBIC,
        )
        for size in (2, 5, 13, 40)
    ]
    return ints(np.clip(np.average(layers, axis=0, weights=(1, 2, 3, 4)), 0, 1))


def wide_gamut_profile() -> bytes:
    """An ICC profile with the primaries of Display P3: that of sRGB with others in their place."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    primaries = {
        b"rXYZ": (0.51512, 0.24120, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.15710, 0.06657, 0.78407),
    }
    for number in range(int.from_bytes(data[128:132], "big")):
        tag, offset, _ = struct.unpack_from(">4sII", data, 132 + 12 * number)
        if tag in primaries:
            struct.pack_into(">3i", data, offset + 8, *(round(value * 65536) for value in primaries[tag]))
    return bytes(data.replace("sRGB".encode("utf-16-be"), "wide".encode("utf-16-be")))


def _pillow(image: Image.Image, **options: object) -> Callable[[Path], None]:
    return lambda path: image.save(path, **options)


def _opencv(pixels: np.ndarray) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        order = [2, 1, 0, 3][: pixels.shape[2]] if pixels.shape[2] >= 3 else [0]
        assert cv2.imwrite(str(path), pixels[:, :, order])

    return write


def _turned(orientation: int) -> Callable[[Path], None]:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return _pillow(Image.fromarray(ints(scene())), exif=exif, quality=95, subsampling=0)


def _palette_with_hole() -> Image.Image:
    image = Image.fromarray(ints(scene())).quantize(32)
    image.info["transparency"] = image.getpixel((WIDTH - 1, HEIGHT - 1))
    return image


def _frames() -> list[Image.Image]:
    return [Image.new("RGB", (WIDTH, HEIGHT), color) for color in ("red", "green", "blue")]


RGB, RGBA = scene(), np.concatenate([scene(), alpha()], axis=2)
GRAY = RGB.mean(axis=2, keepdims=True)

SAMPLES: dict[str, tuple[str, int, type, Callable[[Path], None]]] = {
    # name: (suffix, channels and depth once read, how to write it)
    "rgb": (".png", 3, np.uint8, _pillow(Image.fromarray(ints(RGB)))),
    "rgba": (".png", 4, np.uint8, _pillow(Image.fromarray(ints(RGBA)))),
    "gray": (".png", 1, np.uint8, _pillow(Image.fromarray(ints(GRAY)[:, :, 0]))),
    "gray-alpha": (".png", 2, np.uint8, _pillow(Image.fromarray(ints(RGBA)).convert("LA"))),
    "bilevel": (
        ".png",
        1,
        np.uint8,
        _pillow(Image.fromarray(ints(GRAY)[:, :, 0]).convert("1", dither=Image.Dither.NONE)),
    ),
    "palette": (".png", 3, np.uint8, _pillow(Image.fromarray(ints(RGB)).quantize(64))),
    "palette-with-hole": (".png", 4, np.uint8, _pillow(_palette_with_hole())),
    "gray-16": (".png", 1, np.uint16, _opencv(ints(GRAY, np.uint16))),
    "rgb-16": (".png", 3, np.uint16, _opencv(ints(RGB, np.uint16))),
    "rgba-16": (".png", 4, np.uint16, _opencv(ints(RGBA, np.uint16))),
    "gray-16-tiff": (".tif", 1, np.uint16, _opencv(ints(GRAY, np.uint16))),
    "rgb-16-tiff": (".tif", 3, np.uint16, _opencv(ints(RGB, np.uint16))),
    "jpeg": (".jpg", 3, np.uint8, _pillow(Image.fromarray(ints(RGB)), quality=95, subsampling=0)),
    "gray-jpeg": (".jpg", 1, np.uint8, _pillow(Image.fromarray(ints(GRAY)[:, :, 0]), quality=95)),
    "cmyk": (
        ".jpg",
        3,
        np.uint8,
        _pillow(Image.fromarray(ints(RGB)).convert("CMYK"), quality=95, subsampling=0),
    ),
    "turned": (".jpg", 3, np.uint8, _turned(6)),
    "wide-gamut": (
        ".png",
        3,
        np.uint8,
        _pillow(Image.fromarray(ints(RGB)), icc_profile=wide_gamut_profile()),
    ),
    "webp": (".webp", 3, np.uint8, _pillow(Image.fromarray(ints(RGB)), quality=95)),
    "webp-alpha": (".webp", 4, np.uint8, _pillow(Image.fromarray(ints(RGBA)), lossless=True, exact=True)),
    "avif": (".avif", 3, np.uint8, _pillow(Image.fromarray(ints(RGB)), quality=95)),
    "bmp": (".bmp", 3, np.uint8, _pillow(Image.fromarray(ints(RGB)))),
    "animation": (".gif", 3, np.uint8, _pillow(_frames()[0], save_all=True, append_images=_frames()[1:])),
    "single-pixel": (".png", 3, np.uint8, _pillow(Image.new("RGB", (1, 1), (200, 100, 50)))),
}


STILL = [name for name in SAMPLES if name != "animation"]


def write_sample(name: str, folder: Path) -> Path:
    suffix, _, _, write = SAMPLES[name]
    path = folder / f"{name}{suffix}"
    write(path)
    return path


def truncated(path: Path) -> Path:
    """The first half of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()
