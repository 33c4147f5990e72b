"""What an upload says of itself: its size, its first bytes, its name."""

import re
import unicodedata
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from jobs.errors import Refused
from ml.core.files import MP4, SAFETENSORS, WEBM, ZIP
from ml.core.operation import Kind

LONGEST_NAME = 120
SIGNATURES: tuple[tuple[Kind, str, re.Pattern[bytes]], ...] = tuple(
    (kind, file_format, re.compile(pattern, re.DOTALL))
    for kind, file_format, pattern in (
        (Kind.IMAGE, "JPEG", rb"\xff\xd8\xff"),
        (Kind.IMAGE, "PNG", rb"\x89PNG\r\n\x1a\n"),
        (Kind.IMAGE, "WEBP", rb"RIFF.{4}WEBPVP8[ LX]"),
        (Kind.IMAGE, "GIF", rb"GIF8[79]a"),
        (Kind.IMAGE, "TIFF", rb"II[*+]\0|MM\0[*+]"),
        (Kind.IMAGE, "BMP", rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0"),
        (Kind.IMAGE, "AVIF", rb".{4}ftyp.{0,48}avi[fs]"),
        (Kind.VIDEO, "MP4", MP4.pattern),
        (Kind.VIDEO, "WEBM", WEBM.pattern),
        (Kind.ARCHIVE, "ZIP", ZIP.pattern),
        (Kind.MODEL, "SAFETENSORS", SAFETENSORS.pattern),
    )
)


def check_size(size: int) -> None:
    """Raise `Refused` for an upload of that many bytes, if it is too large or empty."""
    if size > most_bytes():
        raise Refused(
            "too_large",
            _(
                "This file has {size:.1f} MB; at most {limit} MB can be sent. Make it smaller and try again."
            ).format(size=size / 1e6, limit=settings.LATENT.max_upload_megabytes),
            status=413,
        )
    if not size:
        raise Refused("empty", _("This file is empty. Choose another one."))


def sniff(file: "UploadedFile[Any]") -> tuple[Kind, str]:
    """What a file is, by its first bytes alone."""
    head = file.read(64)
    file.seek(0)
    for kind, file_format, signature in SIGNATURES:
        if signature.match(head):
            return kind, file_format
    raise Refused(
        "not_a_picture",
        _(
            "This is not a picture or video we can read. Send a JPEG, PNG, WebP, GIF, TIFF, BMP or AVIF, or an MP4, MOV or WebM."
        ),
    )


def clean_name(name: str) -> str:
    """What a person called the file, fit to be shown: no folder, nothing invisible, 120 characters."""
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
    shown = "".join(" " if char.isspace() else char for char in name if char.isspace() or char.isprintable())
    return " ".join(shown.split())[:LONGEST_NAME].rstrip()


def most_bytes() -> int:
    return settings.LATENT.max_upload_megabytes * 1_000_000
