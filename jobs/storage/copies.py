"""A stored picture in another format or size, made while somebody waits."""

import shutil
import tempfile
import threading
from pathlib import Path

from django.conf import settings

from jobs.errors import Refused
from jobs.messages import TOO_LARGE_FOR_A_COPY, UPLOADS_BUSY
from jobs.models import Asset
from ml.core.errors import InputError
from ml.core.formats import FORMATS, WRITTEN, FileFormat
from ml.core.images import write_picture
from ml.core.reading import read_picture

FORMATS_OFFERED: tuple[FileFormat, ...] = tuple(dict.fromkeys(WRITTEN.values()))
SIDES = (2048, 1024)
"""Beside the size that the picture has."""
MOST_MEGAPIXELS = 24.0
"""A larger one takes the web server's memory and seconds; a job does it as well."""
PATIENCE_SECONDS = 10.0
SOON_SECONDS = 2
_turns = threading.BoundedSemaphore(1)


def copy_of(asset: Asset, file_format: FileFormat, side: int | None) -> bytes:
    """The picture in this format, of at most `side` pixels a side; raises `Refused` for one that is too large for that."""
    if asset.width * asset.height > MOST_MEGAPIXELS * 1e6:
        raise Refused(TOO_LARGE_FOR_A_COPY(limit=MOST_MEGAPIXELS), status=413)
    if not _turns.acquire(timeout=PATIENCE_SECONDS):
        raise Refused(UPLOADS_BUSY, status=503, retry_after=SOON_SECONDS)
    try:
        return _made(asset, file_format, side)
    except InputError as error:
        raise Refused(error.message) from None
    finally:
        _turns.release()


def _made(asset: Asset, file_format: FileFormat, side: int | None) -> bytes:
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        source = Path(folder, f"stored{FORMATS[asset.format].suffix}")
        made = Path(folder, f"made{FORMATS[file_format].suffix}")
        with asset.file.open("rb") as stored, source.open("wb") as local:
            shutil.copyfileobj(stored, local)
        picture = read_picture(source)
        write_picture(picture.thumbnail(side) if side else picture, made, file_format)
        return made.read_bytes()
