"""What a file carries along when it leaves: its recipe, and the facts of its photo as far as its owner says."""

from collections.abc import Iterator
from typing import Any

from jobs.models import Asset, Carried
from ml.core.about import NOTHING_KNOWN, About, exif_of
from ml.core.recipe import HEAD_BYTES, embed

BLOCK_BYTES = 1 << 18


class Laden:
    """A stored file that carries something; read once, a block after the other. Raises `FileNotFoundError`."""

    def __init__(self, asset: Asset, recipe: dict[str, Any] | None, about: About) -> None:
        self._file = asset.file.open("rb")
        start = self._file.read(HEAD_BYTES)
        known = about.known()
        exif = exif_of(about) if known else b""
        self._head, self._tail = embed(start, asset.bytes, recipe, exif, about.dpi)
        self.size = asset.bytes - len(start) + len(self._head) + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        with self._file as file:
            yield self._head
            while block := file.read(BLOCK_BYTES):
                yield block
            yield self._tail


def told_of(asset: Asset, carried: str) -> About:
    """What a file says of its photo; nothing of what is no picture."""
    if carried == Carried.NOTHING or not asset.is_picture:
        return NOTHING_KNOWN
    about = About(**asset.about)
    return about if carried == Carried.ALL else about.without_place()
