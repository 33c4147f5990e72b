"""What the tests of uploads say of a stored photo."""

import io
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from jobs.models import Asset
from tests.jobs import hostile, kinds
from tests.jobs.hostile import SECRET

SOUND = hostile.sound() | kinds.sound()
GIANTS = hostile.giants()
NO_PICTURES = hostile.no_pictures()
POLYGLOTS = hostile.polyglots()
CLEAN_CHUNKS = {b"IHDR", b"IDAT", b"IEND"}
CLEAN_SEGMENTS = {0xE0, 0xDB, 0xC0, 0xC4, 0xDA, 0xDD}

FOUR_GIGAPIXELS = (
    "This picture has 65535 × 65535 pixels (4,294.8 megapixels); at most 52 megapixels can be sent. "
    "Make it smaller and try again."
)
DAMAGED = "This picture is damaged, cut short or of a rare kind. Export or download it again."
NOT_A_PICTURE = "This is not a picture or video we can read. Send a JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF or a camera's raw file, or an MP4, MOV or WebM."
TOO_LONG = (
    "This animation is too long: at most 1,000 frames and 104 megapixels in all can be sent. "
    "Make it shorter or smaller and try again."
)

Send = Callable[..., Asset]


def files_in(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


def assert_nothing_left(folders: tuple[Path, Path]) -> None:
    assert not files_in(*folders)
    assert not Asset.objects.exists()


def content_of(photo: Asset) -> bytes:
    with photo.file.open() as file:
        return bytes(file.read())


def opened(photo: Asset) -> Image.Image:
    return Image.open(io.BytesIO(content_of(photo)))


def pixels_of(image: Image.Image | Asset) -> Any:
    image = opened(image) if isinstance(image, Asset) else image
    return np.asarray(image).astype(int)


def assert_clean(photo: Asset) -> None:
    """Nothing but a picture is in the stored file, and no parser finds anything else."""
    content = content_of(photo)
    assert SECRET not in content
    assert b"<script" not in content
    assert b"PK\x03\x04" not in content
    match photo.format:
        case "png":
            assert {name for name, _body in hostile.chunks(content)} == CLEAN_CHUNKS
            assert content.endswith(b"IEND\xaeB`\x82")
        case "jpeg":
            found = list(hostile.segments(content))
            assert {marker for marker, _body in found} <= CLEAN_SEGMENTS
            assert [body[:5] for marker, body in found if marker == 0xE0] == [b"JFIF\0"]
            assert content.endswith(b"\xff\xd9")
        case "webp":
            assert struct.unpack_from("<I", content, 4)[0] == len(content) - 8
            assert not re.search(rb"EXIF|XMP |ICCP", content)
    image = opened(photo)
    assert not {"exif", "icc_profile", "xmp", "comment"} & image.info.keys()
    assert not image.getexif()
