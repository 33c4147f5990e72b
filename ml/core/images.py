"""Pictures in memory, and into files: whatever a file held, there is one form inside."""

import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

from ml.core.errors import InputError
from ml.core.formats import FORMATS, LIKE, FileFormat, Format, WantedFormat
from ml.core.messages import FLOATING_POINT, TOO_LONG_FOR_FORMAT

Pixels = np.ndarray[Any, np.dtype[Any]]

HIDDEN_REACH = 4.0  # sigma, in pixels, of the blur that says what is seen around a transparent pixel
PNG_LEVEL = 1  # level 6 takes 3.4 times as long for files 10 % smaller

# A header that promises more than a person's photo is refused by whoever knows the limit, before decoding.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture in memory: `pixels` of shape (height, width, channels), uint8 or uint16, in sRGB.

    Channels: 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha (not premultiplied).
    """

    pixels: Pixels

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] not in (1, 2, 3, 4):
            raise ValueError(f"a picture is (height, width, 1 to 4), not {self.pixels.shape}")
        if self.pixels.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"a picture is uint8 or uint16, not {self.pixels.dtype}")

    @classmethod
    def join(cls, color: Pixels, alpha: Pixels | None) -> "Picture":
        """From colour (H, W, 1 or 3) and, where there is one, alpha (H, W, 1) of the same depth."""
        return cls(color if alpha is None else np.concatenate([color, alpha], axis=2))

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def megapixels(self) -> float:
        return self.width * self.height / 1e6

    @property
    def peak(self) -> int:
        """The largest value a channel can take: 255 or 65535."""
        return int(np.iinfo(self.pixels.dtype).max)

    @property
    def color(self) -> Pixels:
        """(H, W, 1 or 3)."""
        return self.pixels[:, :, : 1 if self.pixels.shape[2] <= 2 else 3]

    @property
    def alpha(self) -> Pixels | None:
        """(H, W, 1), or None."""
        return self.pixels[:, :, -1:] if self.pixels.shape[2] in (2, 4) else None

    @property
    def gray(self) -> bool:
        return bool(self.pixels.shape[2] <= 2)

    def rgb(self) -> Pixels:
        """(H, W, 3), uint8, alpha dropped: what networks trained on photos take."""
        color = to_depth(self.color, np.uint8)
        return np.repeat(color, 3, axis=2) if self.gray else color

    def with_alpha(self) -> "Picture":
        """The same, opaque where it had no alpha."""
        if self.alpha is not None:
            return self
        return Picture.join(self.color, np.full((self.height, self.width, 1), self.peak, self.pixels.dtype))

    def to_pillow(self) -> Image.Image:
        """As an 8-bit Pillow image."""
        pixels = to_depth(self.pixels, np.uint8)
        return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)

    def thumbnail(self, side: int) -> "Picture":
        """At most `side` pixels wide and high, 8 bits a channel."""
        step = max(1, min(self.width, self.height) // (2 * side))
        image = Picture(self.pixels[::step, ::step]).to_pillow()
        image.thumbnail((side, side), Image.Resampling.BOX if step > 1 else Image.Resampling.BICUBIC)
        return from_pillow(image)


def mean_color(picture: Picture) -> str:
    """As #rrggbb."""
    small = picture.thumbnail(16).rgb()
    red, green, blue = small.reshape(-1, 3).mean(axis=0).round().astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"


def to_depth(pixels: Pixels, dtype: type[np.uint8] | type[np.uint16]) -> Pixels:
    """Integer pixels at another depth, white staying white."""
    if pixels.dtype == dtype:
        return pixels
    if dtype is np.uint8:
        return ((pixels.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    return pixels.astype(np.uint16) * 257


def to_float(pixels: Pixels) -> Pixels:
    """Integer pixels as float32 from 0 to 1."""
    return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)


def from_float(values: Pixels, dtype: Any) -> Pixels:
    """Floats from 0 to 1 as integer pixels, clipped and rounded."""
    peak = np.iinfo(dtype).max
    pixels: Pixels = np.rint(np.clip(values, 0, 1) * peak).astype(dtype)
    return pixels


def from_pillow(image: Image.Image) -> Picture:
    """A Pillow image of any mode; CMYK, Lab and the like are converted, a palette is resolved."""
    match image.mode:
        case "I;16" | "I;16L" | "I;16B" | "I;16N":
            return Picture(np.asarray(image).astype(np.uint16)[:, :, None])
        case "I":
            return Picture(np.clip(np.asarray(image), 0, 65535).astype(np.uint16)[:, :, None])
        case "F":
            raise InputError(FLOATING_POINT)
    pixels = np.array(plain(image))
    return Picture(pixels[:, :, None] if pixels.ndim == 2 else pixels)


def plain(image: Image.Image) -> Image.Image:
    """A Pillow image of 8 bits a channel as L, LA, RGB or RGBA, the least of them that holds it."""
    match image.mode:
        case "1":
            return image.convert("LA" if "transparency" in image.info else "L")
        case "P" | "PA":
            transparent = image.mode == "PA" or "transparency" in image.info
            return image.convert("RGBA" if transparent else "RGB")
        case "La":
            return image.convert("LA")
        case "L" | "RGB" if "transparency" in image.info:
            return image.convert("RGBA" if image.mode == "RGB" else "LA")
        case "L" | "LA" | "RGB" | "RGBA":
            return image
        case "RGBX" | "CMYK" | "YCbCr" | "LAB" | "HSV":
            return image.convert("RGB")
        case _:
            return image.convert("RGBA")


def write_picture(picture: Picture, path: Path | IO[bytes], file_format: FileFormat) -> None:
    """Write a file, or into one: PNG keeps alpha and 16 bits, WebP keeps alpha, JPEG puts transparent pictures on white."""
    longest, limit = max(picture.width, picture.height), FORMATS[file_format].longest_side
    if limit and longest > limit:
        raise InputError(TOO_LONG_FOR_FORMAT, format=file_format.upper(), limit=limit, side=longest)
    match file_format:
        case "png" if picture.pixels.dtype == np.uint16:
            _write_deep(picture, path)
        case "png":
            _put(png_of(picture.to_pillow()), path)
        case "jpeg":
            flattened(picture).to_pillow().save(path, "JPEG", quality=95, subsampling=0)
        case "webp":
            picture.to_pillow().save(path, "WEBP", quality=92, method=3)


def png_of(image: Image.Image) -> bytes:
    """An 8-bit image (L, LA, RGB or RGBA) as a PNG.

    Looking for runs alone is faster than for repetitions, and makes photos a tenth smaller, drawings a few percent larger;
    Paeth's filter for every row is faster than to try all, and makes files as small. So OpenCV takes half of Pillow's time,
    but it knows no gray with alpha.
    """
    import cv2

    if image.mode == "LA":
        buffer = io.BytesIO()
        image.save(buffer, "PNG", compress_level=PNG_LEVEL, compress_type=zlib.Z_RLE)
        return buffer.getvalue()
    pixels = np.asarray(image)
    if image.mode != "L":
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR if image.mode == "RGB" else cv2.COLOR_RGBA2BGRA)
    runs = (cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE)
    return _encoded(pixels, *runs, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_PAETH)


def _encoded(pixels: Pixels, *how: int) -> bytes:
    """A PNG of 8 or 16 bits, the channels in OpenCV's order."""
    import cv2

    try:
        encoded, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, PNG_LEVEL, *how])
    except cv2.error as error:
        raise MemoryError if error.code == cv2.Error.StsNoMem else error from None
    if not encoded:
        raise OSError("OpenCV could not encode a PNG")
    return bytes(data.data)


def written_as(wanted: WantedFormat, picture: Picture, source: Format | None) -> FileFormat:
    """The format that a result is written in which was made of a file of the format `source`, where there was one.

    Like the photo is what loses as little: 16 bits are PNG, and what has alpha is no JPEG.
    """
    if wanted != "photo":
        return wanted
    like = LIKE.get(source.name, "png") if source else "png"
    if like == "jpeg" and picture.alpha is not None:
        like = "webp"
    limit = FORMATS[like].longest_side
    too_long = limit and max(picture.width, picture.height) > limit
    return "png" if too_long or picture.peak > 255 else like


def premultiplied(pixels: Pixels) -> Pixels:
    """Integer pixels (H, W, 1 to 4) as float32 from 0 to 1, colour times alpha where there is alpha."""
    values = to_float(pixels)
    if values.shape[2] in (2, 4):
        values[:, :, :-1] *= values[:, :, -1:]
    return values


def straight(values: Pixels, dtype: Any) -> Pixels:
    """The inverse of `premultiplied`, clipped and rounded; what is wholly transparent is black.

    A sharp filter overshoots in colour and alpha alike, which the division cancels.
    """
    if values.shape[2] in (2, 4):
        alpha = values[:, :, -1:]
        color = np.divide(values[:, :, :-1], alpha, out=np.zeros_like(values[:, :, :-1]), where=alpha > 0)
        values = np.concatenate([color, alpha], axis=2)
    return from_float(values, dtype)


def visible_color(picture: Picture) -> Pixels:
    """The colour (H, W, 1 or 3) with that of wholly transparent pixels replaced by what is seen around them.

    What hides there is often black, and a filter that reaches over the edge would draw it in.
    """
    import cv2

    if picture.alpha is None or picture.alpha.all():
        return picture.color
    values = premultiplied(picture.pixels)
    around = cv2.GaussianBlur(values, (0, 0), HIDDEN_REACH)
    hidden = (picture.alpha == 0) & (around[:, :, -1:] > 0)
    return np.where(hidden, straight(around, picture.pixels.dtype)[:, :, :-1], picture.color)


def flattened(picture: Picture, background: float = 1.0) -> Picture:
    """Without alpha, laid on a gray from 0 (black) to 1 (white)."""
    if picture.alpha is None:
        return picture
    alpha = to_float(picture.alpha)
    laid = to_float(picture.color) * alpha + background * (1 - alpha)
    return Picture(from_float(laid, picture.pixels.dtype))


def _write_deep(picture: Picture, path: Path | IO[bytes]) -> None:
    color, alpha = picture.color, picture.alpha
    if alpha is not None and picture.gray:
        color = np.repeat(color, 3, axis=2)
    pixels = np.concatenate([color[:, :, ::-1], alpha], axis=2) if alpha is not None else color[:, :, ::-1]
    _put(_encoded(np.ascontiguousarray(pixels)), path)


def _put(encoded: bytes, path: Path | IO[bytes]) -> None:
    if isinstance(path, Path):
        path.write_bytes(encoded)
    else:
        path.write(encoded)
