"""An upload is decoded in a child with limits of memory and time, so that a decoder's bug costs one upload.

The web process decodes nothing that a stranger sent, and believes of a child what `replies` lets through.
"""

import json
import logging
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from pydantic import ValidationError

from jobs.errors import Refused
from jobs.intake.developed import Allowed, Developed, Order
from jobs.intake.forking import Forker, NoReply
from jobs.intake.replies import REPLIES, Damage, Death, Failure, Made, Refusal, Reply, WantOfMemory
from jobs.messages import UPLOAD_DAMAGED, UPLOAD_NEEDS_MEMORY, UPLOAD_NEEDS_TIME, UPLOAD_OUT_OF_MEMORY
from ml.registry import registry

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 10
"""More than its limit that a child may take to be ended."""
TIMES_UP = (signal.SIGALRM, signal.SIGXCPU)
"""What ends a child that takes too long."""


@dataclass(frozen=True)
class Limits:
    """Of one child. To code the longest video anew takes 75 seconds of a processor, one of 4K 1.5 GB."""

    seconds: int = 120
    """Of a processor; of the clock it may be twice as long."""
    bytes: int = 1_800_000_000
    bytes_per_megapixel: int = 30_000_000

    def most_bytes(self, megapixels: float) -> int:
        """Enough for the largest photo, with 16 bits a channel, too."""
        return max(self.bytes, round(self.bytes_per_megapixel * megapixels))


LIMITS = Limits()
forker = Forker()


@contextmanager
def developed(file: "UploadedFile[Any]") -> Iterator[Developed]:
    """What is made of an upload, there as long as the context lasts.

    Raises `Refused`, or `OSError` where the system failed.
    """
    with TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        order = _order(file, Path(folder))
        made = _made(ask(order))
        if not order.made.is_file():
            raise _damaged("it was not made")
        with order.made.open("rb") as content:
            yield Developed(
                content,
                made.kind,
                made.format,
                made.width,
                made.height,
                made.color,
                made.frames,
                made.seconds,
                tuple(note.message() for note in made.notes),
                made.about,
            )


def _order(file: "UploadedFile[Any]", folder: Path) -> Order:
    site = settings.LATENT
    allowed = Allowed(site.max_upload_megabytes, site.max_upload_megapixels, folder, site.formats_taken)
    if isinstance(file, TemporaryUploadedFile):
        source = Path(file.temporary_file_path())
    else:
        source = folder / "source"
        with source.open("wb") as copy:
            shutil.copyfileobj(file, copy)
    return Order(source, folder / "made", allowed)


def ask(order: Order) -> Reply:
    """What a child replies, a second one where the first was lost with its forker."""
    allowed = order.allowed
    line = json.dumps(
        {
            "source": str(order.source),
            "made": str(order.made),
            "folder": str(allowed.folder),
            "megabytes": allowed.megabytes,
            "megapixels": allowed.megapixels,
            "formats": sorted(allowed.formats),
            "seconds": LIMITS.seconds,
            "bytes": LIMITS.most_bytes(allowed.megapixels),
        }
    ).encode()
    for _attempt in range(2):
        try:
            return REPLIES.validate_json(forker.ask(line, 2 * LIMITS.seconds + PATIENCE_SECONDS))
        except ValidationError as error:
            return Damage(reason=f"no reply: {error}"[:300])
        except NoReply:
            order.made.unlink(missing_ok=True)
    logger.error("No child could be forked for an upload")
    return Death(signal=signal.SIGKILL)


def _made(reply: Reply) -> Made:
    """Raises `Refused`, or `OSError`, for any other reply."""
    match reply:
        case Made():
            return reply
        case Refusal():
            registry()  # brings the messages of the operations with it
            raise Refused(reply.words.message(), code=reply.code, status=reply.status)
        case Failure():
            raise OSError(reply.number, reply.reason)
        case WantOfMemory():
            logger.info("An upload was refused: it takes more memory than a child may")
            raise Refused(UPLOAD_NEEDS_MEMORY)
        case Death(signal=signal.SIGKILL):
            logger.error("An upload was refused for want of memory: its child was killed")
            raise Refused(UPLOAD_OUT_OF_MEMORY, code="out_of_memory", status=503, retry_after=60)
        case Death() if reply.signal in TIMES_UP:
            logger.info("An upload was refused: it takes too long")
            raise Refused(UPLOAD_NEEDS_TIME)
        case Death():
            logger.warning("The decoder of an upload was ended by signal %d", reply.signal)
            raise _damaged("its decoder died")
        case Damage():
            raise _damaged(reply.reason)


def _damaged(reason: str) -> Refused:
    logger.info("An upload was refused as damaged: %r", reason)
    return Refused(UPLOAD_DAMAGED, code="damaged")
