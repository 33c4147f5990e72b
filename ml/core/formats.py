"""What is known of the formats of files, each said once. A leaf: it imports nothing of this project."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

FileFormat = Literal["png", "jpeg", "webp"]
"""Those that a picture is written in."""

HEAD_BYTES = 64
"""How much of the beginning of a file tells its format."""


class Kind(StrEnum):
    """What an input file is."""

    IMAGE = "image"
    ANIMATION = "animation"
    VIDEO = "video"
    ARCHIVE = "archive"
    MODEL = "model"


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format of files.

    `suffixes` are those that people give such files, ours first. `kind` is that of a file with one picture where the
    format is `animated`, which says that it may hold more, one after the other. `longest_side` is in pixels, 0 where
    there is no limit.
    """

    name: str
    kind: Kind
    signature: re.Pattern[bytes]
    suffixes: tuple[str, ...]
    media_type: str
    animated: bool = False
    longest_side: int = 0

    @property
    def suffix(self) -> str:
        return self.suffixes[0]

    @property
    def pillow(self) -> str:
        """The name of a picture's format in Pillow."""
        return self.name.upper()


def _format(
    name: str,
    kind: Kind,
    signature: bytes,
    suffixes: str,
    media_type: str,
    *,
    animated: bool = False,
    longest_side: int = 0,
) -> Format:
    return Format(
        name=name,
        kind=kind,
        signature=re.compile(signature, re.DOTALL),
        suffixes=tuple(suffixes.split()),
        media_type=media_type,
        animated=animated,
        longest_side=longest_side,
    )


PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"

FORMATS: Mapping[str, Format] = {
    found.name: found
    for found in (
        _format(
            "jpeg", Kind.IMAGE, re.escape(JPEG_SIGNATURE), ".jpg .jpeg", "image/jpeg", longest_side=65_500
        ),
        _format("png", Kind.IMAGE, re.escape(PNG_SIGNATURE), ".png", "image/png", animated=True),
        _format(
            "webp",
            Kind.IMAGE,
            rb"RIFF.{4}WEBPVP8[ LX]",
            ".webp",
            "image/webp",
            animated=True,
            longest_side=16_383,
        ),
        _format("gif", Kind.IMAGE, rb"GIF8[79]a", ".gif", "image/gif", animated=True),
        # The further pictures of a TIFF or a phone's JPEG are no frames.
        _format("tiff", Kind.IMAGE, rb"II[*+]\0|MM\0[*+]", ".tif .tiff", "image/tiff"),
        _format("bmp", Kind.IMAGE, rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", ".bmp", "image/bmp"),
        _format("avif", Kind.IMAGE, rb".{4}ftyp.{0,48}avi[fs]", ".avif", "image/avif", animated=True),
        # And QuickTime; the brands are those of films and sound, since AVIF and HEIC are built alike.
        _format(
            "mp4",
            Kind.VIDEO,
            rb".{4}(?:ftyp(?:isom|iso\d|mp4\d|avc1|qt  |M4[AV]|3g|MSNV|dash|mmp4|XAVC|F4V)|moov|mdat|wide)",
            ".mp4 .mov",
            "video/mp4",
            longest_side=16_384,  # of H.264
        ),
        _format("webm", Kind.VIDEO, rb"\x1aE\xdf\xa3", ".webm", "video/webm"),
        _format("zip", Kind.ARCHIVE, rb"PK\x03\x04", ".zip", "application/zip"),
        # The length of a header below 64 KiB, as 64 bits, and the start of the header.
        _format("safetensors", Kind.MODEL, rb"..\0{6}\{", ".safetensors", "application/x-safetensors"),
    )
}
"""By name, in the order in which a file is compared with them."""

PICTURES = tuple(found for found in FORMATS.values() if found.kind is Kind.IMAGE)
PICTURE_SUFFIXES = frozenset(suffix for found in PICTURES for suffix in found.suffixes)
WRITTEN: Mapping[str, FileFormat] = {
    suffix: name for name in ("png", "jpeg", "webp") for suffix in FORMATS[name].suffixes
}
"""By suffix, the formats that a picture is written in."""


def format_of(head: bytes) -> Format | None:
    """That of a file which begins so (`HEAD_BYTES` are enough); None for what is not known here."""
    return next((found for found in FORMATS.values() if found.signature.match(head)), None)
