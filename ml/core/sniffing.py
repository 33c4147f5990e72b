"""What a file is, by its content alone."""

import io
from pathlib import Path
from typing import IO

from ml.core.formats import FORMATS, HEAD_BYTES, Format, format_of
from ml.core.tiff_tags import holds_raw

TGA_END = b"TRUEVISION-XFILE.\0"


def sniffed(file: IO[bytes]) -> Format | None:
    """The format of an opened file, which stands at its start again; None for what is not known here."""
    found = format_of(file.read(HEAD_BYTES))
    if found is FORMATS["tiff"] and holds_raw(file):
        found = FORMATS["raw"]
    elif found is None and _ends_like_tga(file):
        found = FORMATS["tga"]
    file.seek(0)
    return found


def _ends_like_tga(file: IO[bytes]) -> bool:
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - len(TGA_END)))
    return file.read() == TGA_END


def sniffed_at(path: Path) -> Format | None:
    """The same of a file on disk; None, too, where it cannot be opened: whoever reads it says why."""
    try:
        with path.open("rb") as file:
            return sniffed(file)
    except OSError:
        return None
