"""What an upload says of itself: its size, its first bytes, its name."""

import re
import unicodedata
from typing import IO, Any

from jobs.errors import Refused
from jobs.messages import (
    EMPTY,
    FILM_NOT_TAKEN,
    FORMAT_NOT_READ,
    FORMAT_NOT_TAKEN,
    NOT_A_PICTURE,
    TOO_LARGE,
)
from ml.core.formats import HEAD_BYTES, Format, Kind, stranger
from ml.core.sniffing import sniffed

LONGEST_NAME = 120


def check_size(size: int, megabytes: int) -> None:
    """Raise `Refused` for an upload of that many bytes, if it is larger than allowed or empty."""
    if size > megabytes * 1_000_000:
        raise Refused(TOO_LARGE(size=size / 1e6, limit=megabytes), status=413)
    if not size:
        raise Refused(EMPTY)


def sniff(file: IO[bytes] | Any, taken: frozenset[str]) -> Format:
    """What a file is, by its content alone; raises `Refused` for a format that is not among those `taken`."""
    found = sniffed(file)
    if found and found.name in taken:
        return found
    if found:
        raise Refused((FILM_NOT_TAKEN if found.kind is Kind.VIDEO else FORMAT_NOT_TAKEN)(format=found.title))
    title = stranger(file.read(HEAD_BYTES))
    raise Refused(FORMAT_NOT_READ(format=title) if title else NOT_A_PICTURE)


def clean_name(name: str) -> str:
    """What a person called the file, fit to be shown: no folder, nothing invisible, 120 characters."""
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
    shown = "".join(" " if char.isspace() else char for char in name if char.isspace() or char.isprintable())
    return " ".join(shown.split())[:LONGEST_NAME].rstrip()
