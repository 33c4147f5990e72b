"""Pictures out of files: every format, mode and depth that people have becomes a `Picture`, upright and in sRGB."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ml.core.colors import HEAD_BYTES, Colors, colors_of, pixels_to_srgb, to_srgb
from ml.core.errors import InputError
from ml.core.formats import PICTURES, Format, Kind
from ml.core.images import Picture, Pixels, from_pillow
from ml.core.messages import (
    FIRST_PAGE,
    FROM_HIGH_RANGE,
    FROM_OTHER_COLORS,
    FROM_PROFILE,
    NOT_A_PICTURE,
    PICTURE_DAMAGED,
    PICTURE_TOO_LARGE,
    PROFILE_LEFT_OUT,
)
from ml.core.operation import Facts
from ml.core.sniffing import sniffed
from ml.core.text import Message
from ml.core.tiff_tags import NoDirectory, is_plain

READABLE = tuple(found.pillow for found in PICTURES if found.pillow)
ANIMATED = {found.pillow for found in PICTURES if found.animated}
ORIENTATION = 0x0112  # EXIF's tag
SIDEWAYS = (5, 6, 7, 8)  # its values that swap width and height
WIDENED = {"L;2": 85, "L;4": 17}  # by so much Pillow multiplies numbers of 2 and 4 bits
FULL_RANGE = [value | value >> bits for bits in (5, 6, 5) for value in range(256)]
"""Numbers of 5, 6 and 5 bits, in the upper ones of 8, so that the brightest is white."""


@dataclass(frozen=True)
class Read:
    """A picture, and what was changed knowingly when it was read, a sentence each."""

    picture: Picture
    notes: tuple[Message, ...] = ()


class Reader(ABC):
    """Of a format that Pillow does not read, or not as it is meant. It may raise anything at a damaged file."""

    lossy = False
    """Whether such files lose something of a picture."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    @abstractmethod
    def size(self) -> tuple[int, int]:
        """Upright width and height, from the header."""

    @abstractmethod
    def read(self) -> Read:
        """All of its pixels."""

    def exif(self) -> bytes:
        """What is told of it; empty where nothing is."""
        return b""


READERS: Mapping[str, str] = {
    "tiff": "ml.core.tiffs:TiffReader",
    "raw": "ml.core.raw:RawReader",
    "heic": "ml.core.heic:HeicReader",
    "jxl": "ml.core.jxl:JxlReader",
}
"""By the name of a format; each loads a library that most pictures do not need."""


def reader_of(found: Format | None, file: IO[bytes]) -> Reader | None:
    """Of a file that Pillow alone would not read as it is meant; raises `InputError`."""
    if found is None or found.name not in READERS:
        return None
    try:
        if found.name == "tiff" and is_plain(file):
            return None
    except NoDirectory:
        raise InputError(PICTURE_DAMAGED) from None
    finally:
        file.seek(0)
    module, name = READERS[found.name].split(":")
    made: Callable[[IO[bytes]], Reader] = getattr(import_module(module), name)
    return made(file)


def facts(path: Path) -> Facts:
    """What a file is, from its header alone; raises `InputError` for what is no picture."""
    with undamaged():
        with path.open("rb") as file:
            if reader := reader_of(sniffed(file), file):
                return Facts(Kind.IMAGE, *reader.size())
        with opened(path) as image:
            frames = frame_count(image)
            width, height = image.size
            if _orientation(image) in SIDEWAYS:
                width, height = height, width
    return Facts(Kind.ANIMATION if frames > 1 else Kind.IMAGE, width, height, frames)


def frame_count(image: Image.Image) -> int:
    """How many frames an opened image has; its further pictures are none where the format is not animated."""
    return getattr(image, "n_frames", 1) if image.format in ANIMATED else 1


def read_picture(path: Path) -> Picture:
    """The (first) picture in a file, turned by EXIF and in sRGB; raises `InputError`."""
    with undamaged():
        with path.open("rb") as file:
            if reader := reader_of(sniffed(file), file):
                return reader.read().picture
            file.seek(0)
            head = file.read(HEAD_BYTES)
        with opened(path) as image:
            return decode(image, path.read_bytes, colors_of(image, head))


@contextmanager
def undamaged() -> Iterator[None]:
    """Within it a picture is read; whatever a decoder stumbles over becomes an `InputError`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow's remarks on odd metadata, none is for a person
            yield
    except UnidentifiedImageError:
        raise InputError(NOT_A_PICTURE) from None
    except InputError:
        raise
    except MemoryError:
        raise InputError(PICTURE_TOO_LARGE) from None
    except (
        OSError,
        SyntaxError,
        ValueError,
        TypeError,
        IndexError,
        KeyError,
        OverflowError,
        EOFError,
        RuntimeError,
    ) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise InputError(PICTURE_DAMAGED) from None


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """The file as a Pillow image, only its header read; raises `InputError`."""
    with undamaged(), Image.open(path, formats=READABLE) as image:
        yield image


def decode(image: Image.Image, data: Callable[[], bytes], colors: Colors) -> Picture:
    """All pixels of an opened image, in the least form that holds them: gray or RGB, alpha or none, 8 or 16 bits.

    `data` gives the whole file.
    """
    if is_deep(image):
        return Picture(turned(_deep(image, data, colors).pixels, _orientation(image)))
    return from_pillow(to_srgb(ImageOps.exif_transpose(loaded(image)), colors))


def in_srgb(pixels: Pixels, colors: Colors, notes: tuple[Message, ...] = ()) -> Read:
    """Pixels (H, W, 1 to 4) that mean these colours; `notes` are added to."""
    picture = Picture(pixels)
    mode = "L" if picture.gray else "RGB"
    if colors.foreign(mode):
        picture = Picture.join(pixels_to_srgb(picture.color, colors), picture.alpha)
    return Read(picture, notes + _said(mode, colors))


def what_changed(image: Image.Image, colors: Colors) -> tuple[Message, ...]:
    """What is changed knowingly where an opened image becomes sRGB, a sentence each."""
    if image.mode in ("CMYK", "LAB"):
        notes: tuple[Message, ...] = (FROM_OTHER_COLORS(colors=image.mode.replace("LAB", "Lab")),)
    else:
        notes = _said(image.mode, colors)
    if image.format == "TIFF" and getattr(image, "is_animated", False):
        notes += (FIRST_PAGE,)
    return notes


def _said(mode: str, colors: Colors) -> tuple[Message, ...]:
    """Of the colours of an image of Pillow's `mode` where it becomes sRGB."""
    if colors.high_range:
        return (FROM_HIGH_RANGE,)
    if colors.foreign(mode):
        return (FROM_PROFILE(name=colors.name),)
    return (PROFILE_LEFT_OUT,) if colors.misfit(mode) else ()


def is_deep(image: Image.Image) -> bool:
    """Whether the file holds more than 8 bits a channel; of several channels, Pillow would read 8."""
    several = image.mode in ("RGB", "RGBA", "LA") and ";16B" in _raw_mode(image)
    return several or image.mode.startswith("I")


def loaded(image: Image.Image) -> Image.Image:
    """With its pixels, where Pillow takes numbers of less than 8 bits otherwise than they are meant."""
    raw = _raw_mode(image)
    transparent = image.info.get("transparency")
    if raw in WIDENED and isinstance(transparent, int):  # which is as narrow as the pixels were in the file
        image.info["transparency"] = min(255, transparent * WIDENED[raw])
    image.load()
    return image.point(FULL_RANGE) if raw == "BGR;16" and image.mode == "RGB" else image


def _deep(image: Image.Image, data: Callable[[], bytes], colors: Colors) -> Picture:
    image.load()  # OpenCV does not tell when a file is cut short
    picture = from_pillow(image) if image.mode.startswith("I") else _by_opencv(data())
    transparent = image.info.get("transparency")
    if transparent is not None and picture.alpha is None:
        visible = (picture.color != np.array(transparent, np.uint16)).any(axis=2, keepdims=True)
        picture = Picture.join(picture.color, visible * np.uint16(65535))
    if not colors.foreign(image.mode):
        return picture
    return Picture.join(pixels_to_srgb(picture.color, colors), picture.alpha)


def _by_opencv(data: bytes) -> Picture:
    import cv2

    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None:
        raise InputError(PICTURE_DAMAGED)
    if pixels.ndim == 2:
        return Picture(pixels[:, :, None])
    pixels = pixels[:, :, [2, 1, 0, 3][: pixels.shape[2]]]
    gray = (pixels[:, :, :1] == pixels[:, :, 1:3]).all()
    return Picture(np.ascontiguousarray(pixels[:, :, [0, 3]] if gray and pixels.shape[2] == 4 else pixels))


def _raw_mode(image: Image.Image) -> str:
    """How the numbers lie in the file, while its pixels are not read yet."""
    tiles: Any = getattr(image, "tile", None)
    if not tiles:
        return ""
    told = tiles[0].args
    return str(told[0] if isinstance(told, tuple) and told else told)


def _orientation(image: Image.Image) -> Any:
    """EXIF's orientation; a PNG's is known only if it stands before the pixels."""
    if image.format == "PNG" and "exif" not in image.info:
        return 1
    return image.getexif().get(ORIENTATION, 1)


def turned(pixels: Pixels, orientation: int) -> Pixels:
    """Upright, by the value of EXIF's orientation tag (1 to 8)."""
    mirrored = {
        2: pixels[:, ::-1],
        4: pixels[::-1],
        5: pixels.swapaxes(0, 1),
        7: pixels[::-1, ::-1].swapaxes(0, 1),
    }
    quarter_turns = {3: 2, 6: 3, 8: 1}
    upright = mirrored.get(orientation, np.rot90(pixels, quarter_turns.get(orientation, 0)))
    return np.ascontiguousarray(upright)
