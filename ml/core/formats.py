"""What is known of the formats of files, each said once. A leaf: it imports nothing of this project."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

FileFormat = Literal["png", "jpeg", "webp"]
"""Those that a picture is written in."""
WantedFormat = Literal["photo", "png", "jpeg", "webp"]
"""What a person asks for: one of them, or that of the photo."""

LIKE: Mapping[str, FileFormat] = {"jpeg": "jpeg", "heic": "jpeg", "avif": "jpeg", "webp": "webp"}
"""In what a result is written like a photo of a format; like all others, as PNG."""

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

    `title` is what people call it. `suffixes` are those that people give such files, ours first. `kind` is that of a
    file with one picture where the format is `animated`, which says that it may hold more, one after the other.
    `longest_side` is in pixels, 0 where there is no limit. `pillow` is the name of a picture's format in Pillow, empty
    where another library reads it.
    """

    name: str
    title: str
    kind: Kind
    signature: re.Pattern[bytes]
    suffixes: tuple[str, ...]
    media_type: str
    animated: bool = False
    longest_side: int = 0
    pillow: str = ""

    @property
    def suffix(self) -> str:
        return self.suffixes[0]


def _format(
    name: str,
    kind: Kind,
    signature: bytes,
    suffixes: str,
    media_type: str,
    *,
    title: str = "",
    animated: bool = False,
    longest_side: int = 0,
    pillow: str | None = None,
) -> Format:
    return Format(
        name=name,
        title=title or name.upper(),
        kind=kind,
        signature=re.compile(signature, re.DOTALL),
        suffixes=tuple(suffixes.split()),
        media_type=media_type,
        animated=animated,
        longest_side=longest_side,
        pillow=name.upper() if pillow is None else pillow,
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
        # Most are TIFFs as well, which `sniffing` tells apart; here are Canon's, Fujifilm's, Olympus' and Panasonic's.
        _format(
            "raw",
            Kind.IMAGE,
            rb".{4}ftypcrx |FUJIFILMCCD-RAW|IIR[OS]|MMOR|IIU\0",
            ".dng .cr2 .cr3 .nef .arw .raf .orf .rw2 .pef .srw",
            "image/x-dcraw",
            title="raw",
            pillow="",
        ),
        _format("bmp", Kind.IMAGE, rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", ".bmp", "image/bmp"),
        _format("avif", Kind.IMAGE, rb".{4}ftyp.{0,48}avi[fs]", ".avif", "image/avif", animated=True),
        # Behind AVIF, which shares the common brands with it.
        _format(
            "heic",
            Kind.IMAGE,
            rb".{4}ftyp(?:hei[cmsx]|hev[cmsx]|mif1|msf1)",
            ".heic .heif .hif",
            "image/heic",
            pillow="",
        ),
        _format(
            "jxl",
            Kind.IMAGE,
            rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n",
            ".jxl",
            "image/jxl",
            title="JPEG XL",
            pillow="",
        ),
        _format(
            "jp2",
            Kind.IMAGE,
            rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51\0",
            ".jp2 .j2k .jpf .jpx",
            "image/jp2",
            title="JPEG 2000",
            pillow="JPEG2000",
        ),
        _format("psd", Kind.IMAGE, rb"8BPS\0\x01", ".psd", "image/vnd.adobe.photoshop"),
        _format("ico", Kind.IMAGE, rb"\0\0\x01\0[\x01-\xff]\0.{3}\0", ".ico", "image/vnd.microsoft.icon"),
        _format("ppm", Kind.IMAGE, rb"P[1-6]\s", ".ppm .pgm .pbm .pnm", "image/x-portable-anymap"),
        # Nothing tells it at its beginning: `sniffing` looks at its end.
        _format("tga", Kind.IMAGE, rb"(?!)", ".tga", "image/x-tga"),
        # And QuickTime; the brands are those of films and sound, since AVIF and HEIC are built alike.
        _format(
            "mp4",
            Kind.VIDEO,
            rb".{4}(?:ftyp(?:isom|iso\d|mp4\d|avc1|qt  |M4[AV]|3g|MSNV|dash|mmp4|XAVC|F4V)|moov|mdat|wide)",
            ".mp4 .mov",
            "video/mp4",
            longest_side=16_384,  # of H.264
        ),
        _format("webm", Kind.VIDEO, rb"\x1aE\xdf\xa3", ".webm .mkv", "video/webm", title="WebM"),
        _format("avi", Kind.VIDEO, rb"RIFF.{4}AVI ", ".avi", "video/x-msvideo"),
        _format("mpeg", Kind.VIDEO, rb"\0\0\x01[\xb3\xba]", ".mpg .mpeg .vob", "video/mpeg"),
        _format("zip", Kind.ARCHIVE, rb"PK\x03\x04", ".zip", "application/zip"),
        # The length of a header below 64 KiB, as 64 bits, and the start of the header.
        _format("safetensors", Kind.MODEL, rb"..\0{6}\{", ".safetensors", "application/x-safetensors"),
    )
}
"""By name, in the order in which a file is compared with them."""

STRANGERS: Mapping[str, re.Pattern[bytes]] = {
    title: re.compile(signature, re.DOTALL | re.IGNORECASE)
    for title, signature in {
        "PDF": rb"%PDF-",
        "PostScript": rb"%!PS|\xc5\xd0\xd3\xc6",
        "SVG": rb"\s*(?:<\?xml.{0,40}\?>\s*)?<svg",
        "HTML": rb"\s*<(?:!doctype )?html",
        "XCF": rb"gimp xcf",
        "OpenEXR": rb"\x76\x2f\x31\x01",
        "Radiance HDR": rb"#\?(?:RADIANCE|RGBE)",
        "PSB": rb"8BPS\0\x02",
        "DjVu": rb"AT&TFORM",
        "JPEG XR": rb"II\xbc",
        "FITS": rb"SIMPLE  =",
        "Windows Media": rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
        "Flash video": rb"FLV\x01",
        "Ogg": rb"OggS",
        "MP3": rb"ID3|\xff\xfb",
        "RAR": rb"Rar!\x1a\x07",
        "7z": rb"7z\xbc\xaf\x27\x1c",
        "gzip": rb"\x1f\x8b\x08",
        "Microsoft Office": rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    }.items()
}
"""What people send as well and is not read here, by what they call it."""

PICTURES = tuple(found for found in FORMATS.values() if found.kind is Kind.IMAGE)
PICTURE_SUFFIXES = frozenset(suffix for found in PICTURES for suffix in found.suffixes)
WRITTEN: Mapping[str, FileFormat] = {
    suffix: name for name in ("png", "jpeg", "webp") for suffix in FORMATS[name].suffixes
}
"""By suffix, the formats that a picture is written in."""


def stranger(head: bytes) -> str:
    """What people call a file that begins so and is not read here; empty where that is not known either."""
    return next((title for title, signature in STRANGERS.items() if signature.match(head)), "")


def format_of(head: bytes) -> Format | None:
    """That of a file which begins so (`HEAD_BYTES` are enough); None for what is not known here."""
    return next((found for found in FORMATS.values() if found.signature.match(head)), None)
