"""One upload, decoded and made anew: the work of a child that knows no site, no database and no secret.

It is told by files and plain data alone, and whatever goes wrong becomes a reply.
"""

import errno
import shutil
import warnings
from typing import IO

from jobs.errors import Refused
from jobs.intake.archives import receive_archive, receive_model
from jobs.intake.developed import Allowed, Developed, Order
from jobs.intake.pictures import receive_picture
from jobs.intake.replies import Damage, Failure, Made, Refusal, Reply, WantOfMemory, Words
from jobs.intake.sniffing import sniff
from ml.core.errors import InputError
from ml.core.formats import Kind
from ml.core.messages import PICTURE_DAMAGED

warnings.filterwarnings("ignore", module=r"PIL\.")  # its remarks on odd metadata, of which nothing is kept

LONGEST_REASON = 300
OF_THE_FILE = (errno.EINVAL, errno.EFBIG)
"""What the system says where a file names a place before its beginning, or becomes larger than anything we make."""


def decode(order: Order) -> Reply:
    """A decoder may raise anything at a hostile file; what is no fault of the file is told apart."""
    try:
        return _decode(order)
    except Refused as refused:
        return Refusal(words=Words.of(refused.message), code=refused.code, status=refused.status)
    except InputError as error:
        if error.message.code == PICTURE_DAMAGED.code:
            return Damage(reason=str(error))
        return Refusal(words=Words.of(error.message), code="unsupported", status=422)
    except MemoryError:
        return WantOfMemory()
    except Exception as error:
        reason = repr(error)[:LONGEST_REASON]
        if isinstance(error, OSError) and error.errno not in (None, *OF_THE_FILE):
            return Failure(number=error.errno, reason=reason)
        return Damage(reason=reason)


def _decode(order: Order) -> Made:
    with order.source.open("rb") as file:
        developed = _developed(file, order.allowed)
    with developed.file as content, order.made.open("xb") as made:
        content.seek(0)
        shutil.copyfileobj(content, made, 1_000_000)
    return Made(
        kind=developed.kind,
        format=developed.format,
        width=developed.width,
        height=developed.height,
        color=developed.color,
        frames=developed.frames,
        seconds=developed.seconds,
        notes=[Words.of(note) for note in developed.notes],
        about=developed.about,
    )


def _developed(file: IO[bytes], allowed: Allowed) -> Developed:
    file_format = sniff(file, allowed.formats)
    match file_format.kind:
        case Kind.VIDEO:
            from jobs.intake.videos import receive_video  # loads FFmpeg, which only those who send films need

            return receive_video(file, allowed)
        case Kind.ARCHIVE:
            return receive_archive(file, allowed)
        case Kind.MODEL:
            return receive_model(file, allowed)
        case _:
            return receive_picture(file, file_format, allowed)
