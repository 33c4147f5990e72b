"""Uploads are hostile: each becomes a clean picture, or one sentence and nothing else."""

import errno
import hashlib
import os
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.db import DatabaseError
from django.test import RequestFactory, override_settings
from PIL import Image

from jobs.errors import Refused
from jobs.intake import decoding, receive, sniffing
from jobs.models import Asset, Owner
from ml.core.formats import Kind
from ml.core.reading import read_picture
from tests.jobs import hostile, kinds
from tests.jobs.hostile import encode, picture
from tests.jobs.intake.received import (
    DAMAGED,
    NO_PICTURES,
    NOT_A_PICTURE,
    SOUND,
    Send,
    assert_clean,
    assert_nothing_left,
    content_of,
    files_in,
    opened,
    pixels_of,
)

RARE, STRANGERS = kinds.rare(), kinds.strangers()
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


# What is taken -------------------------------------------------------------------------------------------


@pytest.mark.sampled(8)
@pytest.mark.parametrize("name", SOUND)
def test_it_takes_every_format(send: Send, visitor: Owner, folders: tuple[Path, Path], name: str) -> None:
    photo = send(SOUND[name], "My photo.jpg")

    photo.refresh_from_db()
    content = content_of(photo)
    image = opened(photo)
    assert photo.owner == visitor
    assert photo.name == "My photo.jpg"
    assert (photo.bytes, photo.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert (photo.format, photo.width, photo.height) == (image.format and image.format.lower(), *image.size)
    assert re.fullmatch(r"#[0-9a-f]{6}", photo.color)
    assert re.fullmatch(rf"photos/[0-9a-f]{{2}}/{photo.id}\.{photo.format}", str(photo.file))
    assert len(files_in(*folders)) == 1
    assert_clean(photo)


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", [name for name in SOUND if "animation" not in name and name != "apng"])
def test_it_keeps_the_pixels(send: Send, tmp_path: Path, name: str) -> None:
    source = tmp_path / "source"
    source.write_bytes(SOUND[name])
    wanted = read_picture(source)

    photo = send(SOUND[name])

    stored = tmp_path / "stored"
    stored.write_bytes(content_of(photo))
    got = read_picture(stored)
    lossless = photo.format == "png" or name == "webp-alpha"
    difference = np.abs(got.pixels.astype(int) - wanted.pixels)
    assert got.pixels.dtype == wanted.pixels.dtype
    assert photo.kind == Kind.IMAGE
    assert difference.max() <= (0 if lossless else 12)
    assert difference.mean() < 1


@pytest.mark.sampled(5)
@pytest.mark.parametrize(
    ("name", "stored"),
    [("jpeg", "jpeg"), ("png", "png"), ("webp", "jpeg"), ("avif", "jpeg"), ("webp-alpha", "webp")]
    + [(name, "png") for name in ("webp-lossless", "gif", "tiff", "bmp", "png-palette", "png-16")]
    + [(name, "webp") for name in ("gif-animation", "webp-animation", "apng", "avif-animation")],
)
def test_lossy_stays_lossy_and_lossless_stays_lossless(send: Send, name: str, stored: str) -> None:
    assert send(SOUND[name]).format == stored


def test_a_picture_of_one_pixel_is_a_picture(send: Send) -> None:
    photo = send(encode(Image.new("RGB", (1, 1), (10, 200, 30)), "PNG"))

    assert (photo.width, photo.height, photo.color) == (1, 1, "#0ac81e")


def test_the_content_decides_not_the_name(send: Send, assert_refused: Callable[..., None]) -> None:
    assert_refused(b"only a letter", "not_a_picture", NOT_A_PICTURE)

    assert send(SOUND["png"], "photo.jpg").format == "png"


def test_the_color_is_the_mean_of_the_picture(send: Send) -> None:
    half = Image.new("RGB", (100, 100), (200, 100, 0))
    half.paste((0, 100, 200), (0, 0, 50, 100))

    color = send(encode(half, "PNG")).color

    assert [int(color[k : k + 2], 16) for k in (1, 3, 5)] == pytest.approx([100, 100, 100], abs=3)


def test_an_upload_on_disk_is_taken_like_one_in_memory(visitor: Owner, folders: tuple[Path, Path]) -> None:
    with TemporaryUploadedFile("big.png", "image/png", len(SOUND["png"]), None) as file:
        file.write(SOUND["png"])
        file.seek(0)
        photo = receive.receive(visitor, file)

    assert pixels_of(photo).tolist() == pixels_of(picture()).tolist()
    assert len(files_in(*folders)) == 1


# What is no picture --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NO_PICTURES)
def test_it_refuses_what_is_no_picture(assert_refused: Callable[..., None], name: str) -> None:
    assert_refused(NO_PICTURES[name], "not_a_picture", NOT_A_PICTURE)


@pytest.mark.parametrize("name", STRANGERS)
def test_it_says_which_format_it_does_not_read(assert_refused: Callable[..., None], name: str) -> None:
    assert_refused(
        STRANGERS[name],
        "format_not_read",
        f"This is a {name} file, which cannot be read here. Export the picture as JPEG or PNG, a video as MP4.",
    )


@pytest.mark.parametrize(
    ("name", "title"), [("jxl", "JPEG XL"), ("jp2", "JPEG 2000"), ("psd", "PSD"), ("tga", "TGA")]
)
def test_it_says_which_format_the_site_does_not_take(
    assert_refused: Callable[..., None], name: str, title: str
) -> None:
    assert_refused(
        RARE[name],
        "format_not_taken",
        f"This is a {title} file, which this site does not take. Export it as JPEG or PNG.",
    )
    assert_refused(
        b"\0\0\x01\xba" + bytes(100),
        "film_not_taken",
        "This is a MPEG video, which this site does not take. Export it as MP4 with H.264.",
    )


@pytest.mark.parametrize("name", RARE)
def test_it_takes_a_rare_format_where_the_settings_say_so(
    send: Send, limit: Callable[..., None], name: str
) -> None:
    limit(upload_formats=f"png,{name}")

    photo = send(RARE[name])

    wanted = (
        kinds.made_up(30, 20)
        if name == "psd"
        else pixels_of(picture("RGBA", (48, 48)) if name == "ico" else picture())
    )
    assert (photo.kind, photo.format) == (Kind.IMAGE, "png")
    assert np.abs(pixels_of(photo) - wanted).mean() < 1
    assert_clean(photo)


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", SOUND)
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_it_refuses_a_truncated_file(assert_refused: Callable[..., None], name: str, part: float) -> None:
    content = SOUND[name]

    assert_refused(content[: max(64, int(len(content) * part))], "damaged", DAMAGED)


@pytest.mark.slow
@pytest.mark.parametrize("name", SOUND)
def test_flipped_bits_make_a_picture_or_a_refusal(send: Send, folders: tuple[Path, Path], name: str) -> None:
    refusals = []
    for seed in range(40):
        damaged = hostile.flips(SOUND[name], seed, count=1 + seed % 12)
        try:
            photo = send(damaged)
        except Refused as refusal:
            refusals.append(refusal)
        else:
            opened(photo).load()
            photo.file.delete(save=False)
            photo.delete()
        assert_nothing_left(folders)
    assert {refusal.status for refusal in refusals} <= {422}
    assert all(str(refusal).endswith(".") for refusal in refusals)


# What is no fault of the file ----------------------------------------------------------------------------


class Interrupted(BaseException):
    """Somebody ends the process."""


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("error", [ZeroDivisionError, RuntimeError, AssertionError, struct.error, OSError])
def test_whatever_a_decoder_raises_is_damage(
    assert_refused: Callable[..., None], monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    monkeypatch.setattr(Image, "open", _raising(error("inside of a decoder")))

    assert_refused(SOUND["png"], "damaged", DAMAGED)


@pytest.mark.usefixtures("in_process")
def test_what_takes_more_memory_than_a_child_may_is_refused(
    assert_refused: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "open", _raising(MemoryError()))

    assert_refused(
        SOUND["png"],
        "upload_needs_memory",
        "To read this file takes more memory than an upload may take. Make it smaller and try again.",
    )


def test_an_error_of_the_disk_is_no_damage_of_the_file(
    send: Send, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(default_storage, "_save", _raising(OSError(errno.EIO, os.strerror(errno.EIO))))

    with pytest.raises(OSError, match="Input/output"):
        send(SOUND["png"])

    assert_nothing_left(folders)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("name", ["png", "png-16"])
def test_a_full_disk_leaves_nothing(
    assert_refused: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    folders: tuple[Path, Path],
    number: int,
    name: str,
) -> None:
    def half(path: str, content: Any) -> str:
        target = folders[0] / path
        target.parent.mkdir(parents=True)
        target.write_bytes(b"half of it")
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(default_storage, "_save", half)

    assert_refused(
        SOUND[name],
        "disk_full",
        "The server's disk is full. Try again later, or tell whoever runs it.",
        status=507,
    )


@pytest.mark.usefixtures("in_process")
def test_a_full_disk_while_a_file_is_made_leaves_nothing(
    assert_refused: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        decoding.shutil, "copyfileobj", _raising(OSError(errno.ENOSPC, "No space left on device"))
    )

    assert_refused(
        SOUND["png-16"],
        "disk_full",
        "The server's disk is full. Try again later, or tell whoever runs it.",
        status=507,
    )


@pytest.mark.parametrize("error", [DatabaseError("no"), Interrupted()])
def test_a_row_that_cannot_be_written_leaves_no_file(
    send: Send, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(Asset, "save", _raising(error))

    with pytest.raises(type(error)):
        send(SOUND["png"])

    assert_nothing_left(folders)


def _raising(error: BaseException) -> Callable[..., None]:
    def fail(*_args: Any, **_options: Any) -> None:
        raise error

    return fail


# Names ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("IMG_1234.JPG", "IMG_1234.JPG"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\alice\\cat.png", "cat.png"),
        ("cat\u202egnp.exe", "catgnp.exe"),
        ("a\0b\x1b[31m\r\nc.png", "ab[31m c.png"),
        ("zero\u200bwidth\ufeff.png", "zerowidth.png"),
        ("Ein  schöner \u00a0 Tag.jpg", "Ein schöner Tag.jpg"),
        ("Cafe\u0301.jpg", "Café.jpg"),
        ("猫.jpg", "猫.jpg"),
        ("x" * 500, "x" * 120),
        ("lone\udcff.png", "lone.png"),
        ("", ""),
        ("///", ""),
    ],
)
def test_a_name_is_made_fit_to_be_shown(name: str, shown: str) -> None:
    assert sniffing.clean_name(name) == shown


# Before the view -----------------------------------------------------------------------------------------


@override_settings(
    FILE_UPLOAD_HANDLERS=[
        "jobs.intake.receive.UploadLimit",
        "django.core.files.uploadhandler.MemoryFileUploadHandler",
        "django.core.files.uploadhandler.TemporaryFileUploadHandler",
    ]
)
@pytest.mark.parametrize("size", [3_000_000, 1_000_001, 1_000_000, 500])
def test_nothing_beyond_the_limit_reaches_disk_or_memory(
    folders: tuple[Path, Path], limit: Callable[..., None], size: int
) -> None:
    limit(max_upload_megabytes=1)
    content = (SOUND["png"] * (1 + size // len(SOUND["png"])))[:size]
    request = RequestFactory().post("/", {"file": SimpleUploadedFile("a.png", content), "note": "kept"})

    file = request.FILES["file"]

    assert file.size == size
    assert file.read() == (content if size <= 1_000_000 else b"")
    assert request.POST["note"] == "kept"
    assert sum(path.stat().st_size for path in files_in(*folders)) <= 1_000_000
