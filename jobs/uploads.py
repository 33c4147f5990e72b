"""Bytes from a stranger become a `Photo`, or a refusal in one sentence that leaves no row and no file behind.

Nothing of an upload is kept but its pixels: decoded in full, turned upright, converted to sRGB, written into
a new file under a random name. A JPEG keeps its quantisation tables where nothing had to be changed; other
lossy files become JPEG, with transparency lossless WebP (a third smaller than PNG and no slower); what was
stored without loss stays so, as PNG. Animations become lossless WebP (half the size of APNG and no slower).
"""

import errno
import hashlib
import io
import logging
import re
import threading
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.db import OperationalError
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from PIL import Image, ImageCms
from PIL.JpegImagePlugin import get_sampling

from jobs import limits
from jobs.containers import (
    MOST_FRAMES,
    Damaged,
    check_tiff,
    gif_size,
    lean_gif,
    lean_jpeg,
    lean_png,
    orientation,
    webp_is_lossless,
)
from jobs.errors import Refused, StorageAway, storage_away
from jobs.models import Owner, Photo
from jobs.pictures import mean_color
from ml.core.errors import InputError
from ml.core.files import MP4, SAFETENSORS, WEBM, ZIP
from ml.core.images import (
    ANIMATED,
    LONGEST_SIDE,
    PNG_LEVEL,
    FileFormat,
    decode,
    deep_color,
    foreign_profile,
    from_pillow,
    plain,
    to_srgb,
    write_picture,
)
from ml.core.operation import Kind
from webapp.config import config

logger = logging.getLogger(__name__)
warnings.filterwarnings("ignore", module=r"PIL\.")  # its remarks on odd metadata, of which nothing is kept

ANIMATION_FACTOR = 2  # the frames of an animation together hold at most so many times the pixels of a photo
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
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # by EXIF's orientation

# A 40-megapixel photo takes 160 MB decoded, and as much again while it is turned: not in all threads at once.
_turn_to_decode = threading.BoundedSemaphore(2)


@dataclass(frozen=True)
class Developed:
    """A file made anew from an upload, ready to be stored."""

    file: IO[bytes]
    kind: Kind
    format: str
    width: int
    height: int
    color: str
    frames: int = 1
    seconds: float = 0.0
    notes: tuple[str, ...] = ()


def receive(owner: Owner | None, file: "UploadedFile[Any]") -> Photo:
    """The upload as a stored photo of `owner`, or of the site itself.

    Raises `Refused`, and then there is neither a row nor a file.
    """
    check_size(file.size or 0)
    if owner:
        limits.check_upload(owner, file.size or 0)
    with _turn_to_decode:
        with _refusing_what_cannot_be_decoded():
            kind, file_format = sniff(file)
            developed: Developed = import_string(RECEIVERS[kind])(file, file_format)
        with _refusing_what_cannot_be_kept():
            return _store(owner, developed, clean_name(file.name or ""))


def check_size(size: int) -> None:
    """Raise `Refused` for an upload of that many bytes, if it is too large or empty."""
    if size > _most_bytes():
        raise Refused(
            "too_large",
            _(
                "This file has {size:.1f} MB; at most {limit} MB can be sent. Make it smaller and try again."
            ).format(size=size / 1e6, limit=config().max_upload_megabytes),
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


class UploadLimit(FileUploadHandler):
    """First of FILE_UPLOAD_HANDLERS: lets nothing beyond the limit reach disk or memory, and keeps counting.

    The file that comes of it is empty but tells its true size, by which `receive` refuses it.
    """

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        return raw_data if start + len(raw_data) <= _most_bytes() else None

    def file_complete(self, file_size: int) -> "UploadedFile[Any] | None":
        if file_size <= _most_bytes():
            return None
        return UploadedFile(io.BytesIO(), self.file_name, self.content_type, file_size)


def receive_picture(file: "UploadedFile[Any]", file_format: str) -> Developed:
    """An image or an animation, decoded and written anew."""
    data = file.read()
    match file_format:
        case "JPEG":
            data = lean_jpeg(data)
        case "PNG":
            data = lean_png(data)
        case "GIF":
            data = lean_gif(data)
            _check_size(*gif_size(data))  # Pillow may fill the canvas while it opens the file
        case "TIFF":
            check_tiff(data)
    with Image.open(io.BytesIO(data), formats=(file_format,)) as image:
        _check_size(*image.size)
        frames = getattr(image, "n_frames", 1) if file_format in ANIMATED else 1
        _check_frames(image, frames)
        upright = orientation(image.info.get("exif", b""))
        if frames > 1:
            return _develop_animation(image, frames, upright)
        if image.mode.startswith(("I", "F")) or (deep_color(image) and not foreign_profile(image)):
            return _develop_deep(image, data)
        lossy = file_format in ("JPEG", "AVIF") or (file_format == "WEBP" and not webp_is_lossless(data))
        del data
        return _develop_photo(image, upright, lossy)


RECEIVERS = {
    Kind.IMAGE: "jobs.uploads.receive_picture",
    Kind.VIDEO: "jobs.videos.receive_video",
    Kind.ARCHIVE: "jobs.archives.receive_archive",
    Kind.MODEL: "jobs.archives.receive_model",
}
"""By kind, the dotted path of what takes the file and its format, and gives it `Developed`."""


def _check_size(width: int, height: int) -> None:
    limit = config().max_upload_megapixels
    megapixels = width * height / 1e6
    if megapixels > limit:
        raise Refused(
            "too_many_pixels",
            _(
                "This picture has {width} × {height} pixels ({megapixels:,.1f} megapixels); "
                "at most {limit:g} megapixels can be sent. Make it smaller and try again."
            ).format(width=width, height=height, megapixels=megapixels, limit=limit),
        )


def _check_frames(image: Any, frames: int) -> None:
    limit = config().max_upload_megapixels
    if frames > MOST_FRAMES or frames * image.width * image.height / 1e6 > ANIMATION_FACTOR * limit:
        raise Refused(
            "too_many_frames",
            _(
                "This animation is too long: at most {frames:,} frames and {limit:g} megapixels in all "
                "can be sent. Make it shorter or smaller and try again."
            ).format(frames=MOST_FRAMES, limit=ANIMATION_FACTOR * limit),
        )
    if image.format == "TIFF":
        tile_width, tile_height = image.tag_v2.get(322, 1), image.tag_v2.get(323, 1)
        if tile_width * tile_height > limit * 1e6:
            raise Damaged


def _develop_photo(image: Image.Image, upright: int, lossy: bool) -> Developed:
    deep = deep_color(image)
    image.load()
    converted = to_srgb(image)
    notes = _what_changed(image, converted=converted is not image, deep=deep)
    developed = plain(converted)
    del converted
    untouched = developed is image and upright == 1
    if developed is not image:
        image.close()  # frees its pixels before more are needed
    if upright != 1:
        developed = developed.transpose(UPRIGHT[upright])
    if lossy and developed.mode in ("LA", "RGBA") and developed.getextrema()[-1] == (255, 255):
        developed = developed.convert(developed.mode[:-1])
    developed.info = {}
    buffer = io.BytesIO()
    stored = _stored_format(developed, lossy)
    match stored:
        case "jpeg" if untouched and image.format == "JPEG":
            developed.save(buffer, "JPEG", **_own_tables(image))
        case "jpeg":
            developed.save(buffer, "JPEG", quality=95, subsampling=0)
        case "webp":
            developed.save(buffer, "WEBP", lossless=True, quality=0, method=0)
        case "png":
            developed.save(buffer, "PNG", compress_level=PNG_LEVEL)
    return Developed(buffer, Kind.IMAGE, stored, *developed.size, _color_of(developed), notes=notes)


def _stored_format(image: Image.Image, lossy: bool) -> FileFormat:
    if not lossy:
        return "png"
    wanted: FileFormat = "webp" if image.mode in ("LA", "RGBA") else "jpeg"
    return wanted if max(image.size) <= LONGEST_SIDE[wanted] else "png"


def _own_tables(image: Any) -> dict[str, Any]:
    """What Pillow's quality="keep" stands for, also where components name tables in another order."""
    tables = [image.quantization[component[3]] for component in image.layer[:2]]
    sampling = get_sampling(image)
    return {"qtables": tables, "subsampling": max(sampling, 0)}  # an unusual sampling (-1) becomes 4:4:4


def _develop_deep(image: Image.Image, data: bytes) -> Developed:
    """16 bits a channel, which Pillow would cut down to 8 in colour pictures."""
    notes = _what_changed(image, converted=False)
    with Image.open(io.BytesIO(data), formats=(image.format or "",)) as whole:
        whole.load()  # OpenCV does not tell when a file is cut short
    with TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        source, target = Path(folder) / "source", Path(folder) / "target"
        source.write_bytes(data)
        picture = decode(image, source)
        write_picture(picture, target, "png")
        buffer = io.BytesIO(target.read_bytes())
    return Developed(
        buffer, Kind.IMAGE, "png", picture.width, picture.height, mean_color(picture), notes=notes
    )


def _develop_animation(image: Image.Image, count: int, upright: int) -> Developed:
    if max(image.size) > LONGEST_SIDE["webp"]:
        raise Refused(
            "too_many_pixels",
            _("An animation can be {limit:,} pixels wide or high. Make it smaller and try again.").format(
                limit=LONGEST_SIDE["webp"]
            ),
        )
    frames, durations, converted = [], [], False
    # The default picture of an APNG is shown by whoever cannot play it, and is no frame.
    for index in range(1 if image.info.get("default_image") else 0, count):
        image.seek(index)
        image.load()
        in_srgb = to_srgb(image)
        converted = converted or in_srgb is not image
        frame = plain(in_srgb)
        frame = frame.transpose(UPRIGHT[upright]) if upright != 1 else frame.copy()
        frame.info = {}
        frames.append(frame)
        durations.append(round(image.info.get("duration", 0)))
    buffer = io.BytesIO()
    frames[0].save(
        buffer, "WEBP", save_all=True, append_images=frames[1:], duration=durations, loop=_plays(image),
        lossless=True, quality=0, method=0, kmin=0, kmax=0,
    )  # fmt: skip
    with Image.open(buffer, formats=("WEBP",)) as stored:  # equal frames in a row have become one
        kept = getattr(stored, "n_frames", 1)
    kind = Kind.ANIMATION if kept > 1 else Kind.IMAGE
    seconds = sum(durations) / 1000 if kept > 1 else 0.0
    return Developed(
        buffer,
        kind,
        "webp",
        *frames[0].size,
        _color_of(frames[0]),
        kept,
        seconds,
        _what_changed(image, converted=converted),
    )


def _plays(image: Image.Image) -> int:
    """How often an animation is played, 0 for ever. A GIF says how often it is repeated, or nothing: once."""
    if image.format != "GIF":
        return int(image.info.get("loop", 0))
    repeats = image.info.get("loop")
    return 1 if repeats is None else 0 if repeats == 0 else min(repeats + 1, 0xFFFF)


def _what_changed(image: Image.Image, *, converted: bool, deep: bool = False) -> tuple[str, ...]:
    """What was changed knowingly, a sentence each. `converted`: from its profile; `deep`: it had 16 bits."""
    notes = []
    profile = _profile_name(image)
    if image.mode in ("CMYK", "LAB"):
        notes.append(_("Converted from {colors} to sRGB.").format(colors=image.mode.replace("LAB", "Lab")))
    elif converted:
        notes.append(_("Converted from the colour profile “{name}” to sRGB.").format(name=profile))
    elif profile == "" or foreign_profile(image):
        notes.append(_("The colour profile could not be used and was left out."))
    if converted and deep:
        notes.append(_("Reduced from 16 to 8 bits a channel."))
    if image.mode == "I":
        notes.append(_("Reduced from 32 to 16 bits a channel."))
    if image.format == "TIFF" and getattr(image, "is_animated", False):
        notes.append(_("Only the first page was kept."))
    return tuple(notes)


def _profile_name(image: Image.Image) -> str | None:
    """Of the colour profile; empty where it cannot be read, None where there is none."""
    data = image.info.get("icc_profile")
    if not data:
        return None
    try:
        return clean_name(ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(data))))[:40]
    except (ImageCms.PyCMSError, OSError, ValueError):
        return ""


def _color_of(image: Image.Image) -> str:
    sample = image.resize((min(image.width, 64), min(image.height, 64)), Image.Resampling.NEAREST)
    return mean_color(from_pillow(sample))


def _store(owner: Owner | None, developed: Developed, name: str) -> Photo:
    file = developed.file
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    file.seek(0)
    photo = Photo(
        owner=owner, name=name, kind=developed.kind, format=developed.format, width=developed.width,
        height=developed.height, frames=developed.frames, seconds=developed.seconds, color=developed.color,
        note=" ".join(developed.notes), bytes=size, sha256=digest,
    )  # fmt: skip
    place = f"photos/{photo.id.hex[:2]}/{photo.id}.{developed.format}"
    try:
        photo.file.name = default_storage.save(place, File(file))
        photo.save(force_insert=True)
    except BaseException:
        with suppress(OSError):
            default_storage.delete(place)
        raise
    return photo


@contextmanager
def _refusing_what_cannot_be_decoded() -> Iterator[None]:
    """A decoder may raise anything at a hostile file; what is no fault of the file is told apart."""
    try:
        with _refusing_what_cannot_be_kept():
            yield
    except Refused:
        raise
    except InputError as error:
        raise Refused("unsupported", _(str(error))) from None
    except MemoryError:
        logger.exception("An upload was refused for want of memory")
        raise Refused(
            "out_of_memory",
            _("The server is short of memory just now. Try again later or send a smaller picture."),
            status=503,
        ) from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        logger.info("An upload was refused as damaged: %r", error)
        raise Refused(
            "damaged",
            _("This picture is damaged, cut short or of a rare kind. Export or download it again."),
        ) from None


@contextmanager
def _refusing_what_cannot_be_kept() -> Iterator[None]:
    try:
        yield
    except StorageAway:
        logger.exception("An upload was refused: the bucket is away")
        raise storage_away() from None
    except (OSError, OperationalError) as error:
        full = "disk is full" in str(error) or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
        if not full:
            raise
        logger.exception("An upload was refused: the disk is full")
        raise Refused(
            "disk_full", _("The server's disk is full. Try again later, or tell whoever runs it."), status=507
        ) from None


def _most_bytes() -> int:
    return config().max_upload_megabytes * 1_000_000
