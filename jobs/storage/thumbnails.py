"""Small pictures for pages: previews and thumbnails."""

import io
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

from django.core.files.storage import default_storage
from django.db.models.fields.files import FieldFile
from PIL import Image

from ml.core.images import Picture, from_pillow

if TYPE_CHECKING:
    from jobs.models import Asset

PREVIEW_SIDE = 768
THUMBNAIL_SIDES = (256, 384, 512, 1024, 2048)


def preview_bytes(picture: Picture) -> bytes:
    """WebP of at most 768 pixels a side."""
    return encoded(picture, PREVIEW_SIDE)


def encoded(picture: Picture, side: int) -> bytes:
    """WebP of at most `side` pixels a side."""
    buffer = io.BytesIO()
    picture.thumbnail(side).to_pillow().save(buffer, "WEBP", quality=82, method=2)
    return buffer.getvalue()


def thumbnail_of(file: FieldFile, sha256: str, side: int, *, video: bool = False) -> bytes:
    """A small copy of a stored picture, or of a video's first, made once and kept beside the files."""
    name = _thumbnail(sha256, side)
    storage: Any = default_storage  # a `Folder` or a `Bucket`
    try:
        with storage.open(name) as kept:
            return bytes(kept.read())
    except FileNotFoundError:
        with file.open("rb") as stored:
            made = encoded(_first_frame(stored) if video else _still(stored, side), side)
        with suppress(OSError):  # on a full disk it is made anew each time
            storage.replace(name, made)
        return made


def delete_files(asset: "Asset") -> None:
    """Delete the file of a row that is gone, and its small copies; where another row has the same, they are made anew."""
    asset.file.storage.delete(str(asset.file))
    if asset.media_type.startswith(("image/", "video/")):
        for side in THUMBNAIL_SIDES:
            default_storage.delete(_thumbnail(asset.sha256, side))


def _thumbnail(sha256: str, side: int) -> str:
    return f"thumbnails/{sha256[:2]}/{sha256}-{side}.webp"


def _still(stored: IO[bytes], side: int) -> Picture:
    with Image.open(stored) as image:
        image.draft(None, (2 * side, 2 * side))
        return from_pillow(image)


def _first_frame(stored: IO[bytes]) -> Picture:
    from ml.core.frames import poster  # loads FFmpeg, which only those who show videos need

    return poster(stored)
