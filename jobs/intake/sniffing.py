"""What an upload says of itself: its size, its first bytes, its name."""

import re
import unicodedata
from typing import IO, Any

from jobs.errors import Refused
from jobs.messages import EMPTY, NOT_A_PICTURE, TOO_LARGE
from ml.core.formats import HEAD_BYTES, Format, format_of

LONGEST_NAME = 120


def check_size(size: int, megabytes: int) -> None:
    """Raise `Refused` for an upload of that many bytes, if it is larger than allowed or empty."""
    if size > megabytes * 1_000_000:
        raise Refused(TOO_LARGE(size=size / 1e6, limit=megabytes), status=413)
    if not size:
        raise Refused(EMPTY)


def sniff(file: IO[bytes] | Any) -> Format:
    """What a file is, by its first bytes alone."""
    found = format_of(file.read(HEAD_BYTES))
    file.seek(0)
    if found:
        return found
    raise Refused(NOT_A_PICTURE)


def clean_name(name: str) -> str:
    """What a person called the file, fit to be shown: no folder, nothing invisible, 120 characters."""
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
    shown = "".join(" " if char.isspace() else char for char in name if char.isspace() or char.isprintable())
    return " ".join(shown.split())[:LONGEST_NAME].rstrip()
