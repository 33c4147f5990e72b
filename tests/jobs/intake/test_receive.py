"""Uploads are hostile: each becomes a clean picture, or one sentence and nothing else."""

import errno
import hashlib
import io
import os
import re
import struct
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile, UploadedFile
from django.db import DatabaseError
from django.test import RequestFactory, override_settings
from PIL import Image, ImageCms, ImageFile

from jobs.errors import Refused
from jobs.intake import receive, sniffing
from jobs.models import Owner, Photo
from ml.core import images
from ml.core.formats import Kind
from ml.core.images import read_picture
from tests.jobs import hostile
from tests.jobs.hostile import SECRET, encode, encode_frames, picture

SOUND = hostile.sound()
GIANTS = hostile.giants()
NO_PICTURES = hostile.no_pictures()
POLYGLOTS = hostile.polyglots()
CLEAN_CHUNKS = {b"IHDR", b"IDAT", b"IEND"}
CLEAN_SEGMENTS = {0xE0, 0xDB, 0xC0, 0xC4, 0xDA, 0xDD}

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

FOUR_GIGAPIXELS = (
    "This picture has 65535 × 65535 pixels (4,294.8 megapixels); at most 40 megapixels can be sent. "
    "Make it smaller and try again."
)
DAMAGED = "This picture is damaged, cut short or of a rare kind. Export or download it again."
NOT_A_PICTURE = "This is not a picture or video we can read. Send a JPEG, PNG, WebP, GIF, TIFF, BMP or AVIF, or an MP4, MOV or WebM."
TOO_LONG = (
    "This animation is too long: at most 1,000 frames and 80 megapixels in all can be sent. "
    "Make it shorter or smaller and try again."
)

Send = Callable[..., Photo]


@pytest.fixture
def folders(tmp_path: Path, settings: Any) -> tuple[Path, Path]:
    """Where files are stored, and where they are made."""
    media, making = tmp_path / "media", tmp_path / "uploading"
    making.mkdir()
    settings.MEDIA_ROOT, settings.FILE_UPLOAD_TEMP_DIR = media, making
    return media, making


@pytest.fixture
def send(visitor: Owner, folders: tuple[Path, Path]) -> Send:
    def send(content: bytes, name: str = "photo") -> Photo:
        return receive.receive(visitor, SimpleUploadedFile(name, content))

    return send


@pytest.fixture
def assert_refused(send: Send, folders: tuple[Path, Path]) -> Callable[..., None]:
    """The file is refused with that code, status and sentence, and nothing is left of it."""

    def check(content: bytes, code: str, sentence: str, status: int = 422) -> None:
        with pytest.raises(Refused) as refusal:
            send(content)
        assert (refusal.value.code, refusal.value.status, str(refusal.value)) == (code, status, sentence)
        assert_nothing_left(folders)

    return check


@pytest.fixture
def limit(settings: Any) -> Callable[..., None]:
    def limit(**values: float) -> None:
        settings.LATENT = settings.LATENT.model_copy(update=values)

    return limit


def files_in(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


def assert_nothing_left(folders: tuple[Path, Path]) -> None:
    assert not files_in(*folders)
    assert not Photo.objects.exists()


def content_of(photo: Photo) -> bytes:
    with photo.file.open() as file:
        return bytes(file.read())


def opened(photo: Photo) -> Image.Image:
    return Image.open(io.BytesIO(content_of(photo)))


def pixels_of(image: Image.Image | Photo) -> Any:
    image = opened(image) if isinstance(image, Photo) else image
    return np.asarray(image).astype(int)


def assert_clean(photo: Photo) -> None:
    """Nothing but a picture is in the stored file, and no parser finds anything else."""
    content = content_of(photo)
    assert SECRET not in content
    assert b"<script" not in content
    assert b"PK\x03\x04" not in content
    match photo.format:
        case "png":
            assert {name for name, _body in hostile.chunks(content)} == CLEAN_CHUNKS
            assert content.endswith(b"IEND\xaeB`\x82")
        case "jpeg":
            found = list(hostile.segments(content))
            assert {marker for marker, _body in found} <= CLEAN_SEGMENTS
            assert [body[:5] for marker, body in found if marker == 0xE0] == [b"JFIF\0"]
            assert content.endswith(b"\xff\xd9")
        case "webp":
            assert struct.unpack_from("<I", content, 4)[0] == len(content) - 8
            assert not re.search(rb"EXIF|XMP |ICCP", content)
    image = opened(photo)
    assert not {"exif", "icc_profile", "xmp", "comment"} & image.info.keys()
    assert not image.getexif()


# What is taken -------------------------------------------------------------------------------------------


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


# JPEG ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quality", [35, 70, 92])
@pytest.mark.parametrize("sampling", [0, 1, 2])
def test_a_jpeg_that_needs_nothing_keeps_its_tables(send: Send, quality: int, sampling: int) -> None:
    content = encode(picture(size=(320, 200)), "JPEG", quality=quality, subsampling=sampling)

    photo = send(content)

    was, now = Image.open(io.BytesIO(content)), opened(photo)
    assert now.quantization == was.quantization  # type: ignore[attr-defined]
    assert now.layer == was.layer  # type: ignore[attr-defined]
    assert np.abs(pixels_of(now) - pixels_of(was)).mean() < 0.5
    assert photo.bytes <= len(content) * 1.05


def test_a_jpeg_whose_components_swap_their_tables_keeps_its_quality(send: Send) -> None:
    content = encode(picture(size=(320, 200)), "JPEG", quality=60, subsampling=0)
    tables = Image.open(io.BytesIO(content)).quantization  # type: ignore[attr-defined]
    swapped = bytearray(content)
    for marker, body in hostile.segments(content):
        if marker == 0xDB:
            place = swapped.index(bytes(body))
            swapped[place] ^= 1
        if marker == 0xC0:
            place = swapped.index(bytes(body))
            for component in range(3):
                swapped[place + 8 + 3 * component] ^= 1

    photo = send(bytes(swapped))

    assert opened(photo).quantization == tables  # type: ignore[attr-defined]


def test_a_progressive_jpeg_may_have_many_scans(send: Send) -> None:
    assert send(SOUND["jpeg-progressive"]).format == "jpeg"


@pytest.mark.parametrize("added", [b"\xff", b"\xff\xff\xff"])
def test_fill_bytes_between_the_segments_of_a_jpeg_are_no_harm(send: Send, added: bytes) -> None:
    frame = SOUND["jpeg"].index(b"\xff\xc0")

    photo = send(SOUND["jpeg"][:frame] + added + SOUND["jpeg"][frame:])

    assert np.abs(pixels_of(photo) - pixels_of(Image.open(io.BytesIO(SOUND["jpeg"])))).mean() < 0.5


def test_a_phone_s_jpeg_of_several_pictures_is_its_first(send: Send) -> None:
    content = encode(
        picture(), "MPO", save_all=True, append_images=[Image.new("RGB", (48, 32), "red")], quality=90
    )
    assert Image.open(io.BytesIO(content)).format == "MPO"

    photo = send(content)

    assert (photo.kind, photo.format, photo.note) == (Kind.IMAGE, "jpeg", "")
    assert np.abs(pixels_of(photo) - pixels_of(picture())).mean() < 4
    assert_clean(photo)


def test_a_cmyk_jpeg_of_adobe_is_not_inverted(send: Send) -> None:
    photo = send(SOUND["jpeg-cmyk"])

    assert b"Adobe" in SOUND["jpeg-cmyk"]
    assert opened(photo).mode == "RGB"
    assert np.abs(pixels_of(photo) - pixels_of(picture())).mean() < 6
    assert photo.note == "Converted from CMYK to sRGB."


# Upright -------------------------------------------------------------------------------------------------


ORIENTED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, 3),
}


@pytest.mark.sampled(6)
@pytest.mark.parametrize("orientation", ORIENTED)
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_turned_picture_is_stored_upright(send: Send, file_format: str, orientation: int) -> None:
    upright = np.asarray(picture())
    lying = Image.fromarray(np.ascontiguousarray(ORIENTED[orientation](upright)))
    options = (
        {"quality": 95}
        if file_format in ("JPEG", "AVIF")
        else {"lossless": True}
        if file_format == "WEBP"
        else {}
    )

    photo = send(encode(lying, file_format, exif=hostile.exif(orientation), **options))

    assert (photo.width, photo.height) == (48, 32)
    assert np.abs(pixels_of(photo) - upright).mean() < 4
    assert_clean(photo)


def test_a_turned_picture_of_16_bits_is_stored_upright(send: Send) -> None:
    content, pixels = hostile.deep(3)
    directory = hostile.exif(6).tobytes()[6:]

    photo = send(hostile.with_chunks(content, hostile.chunk(b"eXIf", directory)))

    stored = cv2.imdecode(np.frombuffer(content_of(photo), np.uint8), cv2.IMREAD_UNCHANGED)[:, :, ::-1]
    assert (photo.width, photo.height) == (20, 30)
    assert np.array_equal(stored, np.rot90(pixels, 3))


@pytest.mark.parametrize("orientation", [0, 9, 255, 65_535])
def test_an_odd_orientation_is_upright(send: Send, orientation: int) -> None:
    photo = send(encode(picture(), "JPEG", exif=hostile.exif(orientation)))

    assert (photo.width, photo.height) == (48, 32)


def test_broken_exif_does_no_harm(send: Send) -> None:
    broken = hostile.with_segments(SOUND["jpeg"], (0xE1, hostile.broken_exif()))

    assert (send(broken).width, send(broken).height) == (48, 32)


# Nothing of metadata -------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_no_place_and_no_camera_survives(send: Send, file_format: str) -> None:
    content = encode(
        picture(), file_format, exif=hostile.exif(1), xmp=b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"
    )
    assert SECRET in content
    assert file_format == "TIFF" or Image.open(io.BytesIO(content)).getexif().get_ifd(0x8825)

    assert_clean(send(content))


@pytest.mark.parametrize("name", POLYGLOTS)
def test_what_else_a_picture_is_does_not_survive(send: Send, name: str) -> None:
    assert SECRET in POLYGLOTS[name] or b"PK\x03\x04" in POLYGLOTS[name]

    photo = send(POLYGLOTS[name])

    assert (photo.kind, photo.width, photo.height) == (Kind.IMAGE, 48, 32)
    assert_clean(photo)


def test_an_animation_carries_nothing_along(send: Send) -> None:
    frames = hostile.animation()

    for content in (
        encode_frames(frames, "WEBP", exif=hostile.exif(1), xmp=SECRET, icc_profile=hostile.display_p3()),
        encode_frames(frames, "GIF", comment=SECRET, duration=50),
    ):
        assert_clean(send(content + hostile.archive()))


# Colours and depths --------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_foreign_profile_is_converted(send: Send, file_format: str) -> None:
    flat = Image.new("RGB", (32, 32), (60, 200, 90))
    profile = hostile.display_p3()
    srgb = ImageCms.createProfile("sRGB")
    wanted = ImageCms.profileToProfile(flat, io.BytesIO(profile), srgb, outputMode="RGB")
    assert wanted is not None
    assert np.abs(pixels_of(wanted) - pixels_of(flat)).max() > 15

    photo = send(encode(flat, file_format, icc_profile=profile, quality=95))

    assert np.abs(pixels_of(photo) - pixels_of(wanted)).max() <= 3
    assert photo.note == "Converted from the colour profile “Display P3” to sRGB."
    assert_clean(photo)


def test_srgb_is_not_converted_again(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        images.ImageCms, "profileToProfile", lambda *_args, **_options: pytest.fail("converted")
    )
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    photo = send(encode(picture(), "JPEG", icc_profile=profile))

    assert photo.note == ""
    assert_clean(photo)


@pytest.mark.parametrize("mode", ["P", "RGBA", "LA", "L"])
def test_alpha_survives_a_foreign_profile(send: Send, mode: str) -> None:
    image = picture("RGBA") if mode != "L" else picture("L")
    image = image.quantize(32) if mode == "P" else image.convert(mode)
    profile = hostile.display_p3() if mode in ("P", "RGBA") else hostile.dim_gray()
    alpha = image.convert("RGBA").getchannel("A")

    photo = send(encode(image, "PNG", icc_profile=profile))

    stored = opened(photo)
    assert stored.mode == {"P": "RGBA", "RGBA": "RGBA", "LA": "LA", "L": "L"}[mode]
    assert pixels_of(stored.convert("RGBA").getchannel("A")).tolist() == pixels_of(alpha).tolist()
    assert np.abs(pixels_of(stored.convert("L")) - pixels_of(image.convert("L"))).mean() > 1
    assert photo.note.startswith("Converted from the colour profile “")


@pytest.mark.parametrize("profile", [b"rubbish", bytes(200), hostile.display_p3()[:300], hostile.dim_gray()])
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_a_profile_that_cannot_be_used_does_no_harm(send: Send, profile: bytes, file_format: str) -> None:
    photo = send(encode(picture(), file_format, icc_profile=profile, lossless=True))

    assert np.abs(pixels_of(photo) - pixels_of(picture())).mean() < 4
    assert photo.note == "The colour profile could not be used and was left out."
    assert_clean(photo)


@pytest.mark.parametrize(
    ("mode", "file_format", "stored"),
    [
        ("1", "PNG", "L"),
        ("1", "TIFF", "L"),
        ("L", "PNG", "L"),
        ("LA", "PNG", "LA"),
        ("LA", "TIFF", "LA"),
        ("PA", "TIFF", "RGBA"),
        ("P", "BMP", "RGB"),
        ("RGBA", "TIFF", "RGBA"),
        ("CMYK", "TIFF", "RGB"),
        ("LAB", "TIFF", "RGB"),
        ("YCbCr", "TIFF", "RGB"),
    ],
)
def test_every_mode_comes_out_as_it_is_seen(send: Send, mode: str, file_format: str, stored: str) -> None:
    source = picture("RGB" if mode == "LAB" else mode)
    if mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        converted = ImageCms.profileToProfile(source, images.SRGB, lab, outputMode="LAB")
        assert converted is not None
        source = converted

    photo = send(encode(source, file_format))

    got = opened(photo)
    assert got.mode == stored
    seen = source.convert("RGBA") if mode in ("PA", "LA", "RGBA") else picture(mode).convert("RGB")
    assert np.abs(pixels_of(got.convert(seen.mode)) - pixels_of(seen)).mean() < 8
    assert photo.note == {"CMYK": "Converted from CMYK to sRGB.", "LAB": "Converted from Lab to sRGB."}.get(
        mode, ""
    )


@pytest.mark.parametrize("transparency", [3, bytes(range(0, 160, 10))])
def test_a_transparent_palette_stays_transparent(send: Send, transparency: int | bytes) -> None:
    content = encode(picture().quantize(16), "PNG", transparency=transparency)

    photo = send(content)

    assert pixels_of(photo).tolist() == pixels_of(Image.open(io.BytesIO(content)).convert("RGBA")).tolist()


def test_a_transparent_colour_stays_transparent(send: Send) -> None:
    photo = send(encode(picture(), "PNG", transparency=(10, 20, 30)))

    assert opened(photo).mode == "RGBA"
    assert tuple(opened(photo).getpixel((0, 0))) == (10, 20, 30, 0)  # type: ignore[arg-type]


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("file_format", ["png", "tiff"])
def test_16_bits_stay_16_bits(send: Send, channels: int, file_format: str) -> None:
    content, pixels = hostile.deep(channels, file_format)

    photo = send(content)

    stored = cv2.imdecode(np.frombuffer(content_of(photo), np.uint8), cv2.IMREAD_UNCHANGED)
    stored = stored.reshape(*stored.shape[:2], -1)[:, :, {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]]
    assert stored.dtype == np.uint16
    assert np.array_equal(stored, pixels)
    assert photo.note == ""
    assert_clean(photo)


def test_16_bits_with_a_foreign_profile_are_reduced_and_it_says_so(send: Send) -> None:
    content, _pixels = hostile.deep(3)
    header = io.BytesIO(encode(picture(), "PNG", icc_profile=hostile.display_p3()))
    profile = next(body for name, body in hostile.chunks(header.getvalue()) if name == b"iCCP")

    photo = send(hostile.with_chunks(content, hostile.chunk(b"iCCP", profile)))

    assert opened(photo).mode == "RGB"
    assert photo.note == (
        "Converted from the colour profile “Display P3” to sRGB. Reduced from 16 to 8 bits a channel."
    )


def test_an_opaque_alpha_of_a_lossy_picture_is_dropped(send: Send) -> None:
    content = hostile.webp_with_opaque_alpha()
    assert Image.open(io.BytesIO(content)).mode == "RGBA"

    assert send(content).format == "jpeg"


def test_16_bits_cut_short_inside_are_refused(assert_refused: Callable[..., None]) -> None:
    chunks = dict(hostile.chunks(SOUND["png-16"]))
    short = {**chunks, b"IDAT": chunks[b"IDAT"][: len(chunks[b"IDAT"]) // 2]}
    content = SOUND["png-16"][:8] + b"".join(hostile.chunk(name, body) for name, body in short.items())

    assert_refused(content, "damaged", DAMAGED)


def test_floating_point_is_refused(assert_refused: Callable[..., None]) -> None:
    assert_refused(
        encode(picture("F"), "TIFF"),
        "unsupported",
        "Pictures of floating-point numbers are not read here. Export it with 8 or 16 bits a channel.",
    )


def test_of_many_pages_the_first_is_kept_and_it_says_so(send: Send) -> None:
    photo = send(hostile.tiff_of_pages())

    assert (photo.kind, photo.frames, photo.note) == (Kind.IMAGE, 1, "Only the first page was kept.")


@pytest.mark.parametrize(
    "compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "lzma", "zstd"]
)
def test_every_compression_of_tiff_is_read(send: Send, compression: str) -> None:
    photo = send(encode(picture(), "TIFF", compression=compression))

    assert np.abs(pixels_of(photo) - pixels_of(picture())).mean() < 4


def test_an_unknown_compression_of_tiff_is_refused(assert_refused: Callable[..., None]) -> None:
    assert_refused(hostile.tiff(8, 8, bytes(64), _259=34_567, _273=200, _278=8, _279=64), "damaged", DAMAGED)


# Animations ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "PNG"])
def test_an_animation_keeps_its_frames_and_times(send: Send, file_format: str) -> None:
    frames, durations = hostile.animation(6), [40, 80, 120, 160, 200, 240]
    options = {"lossless": True} if file_format == "WEBP" else {}

    photo = send(encode_frames(frames, file_format, duration=durations, **options))

    stored = opened(photo)
    assert (photo.kind, photo.frames, photo.seconds) == (Kind.ANIMATION, 6, 0.84)
    for index, (frame, duration) in enumerate(zip(frames, durations, strict=True)):
        stored.seek(index)
        assert pixels_of(stored.convert("RGB")).tolist() == pixels_of(frame).tolist()
        assert stored.info["duration"] == duration


@pytest.mark.parametrize(
    ("options", "plays"), [({"loop": 0}, 0), ({"loop": 3}, 4), ({}, 1)], ids=["for ever", "repeated", "once"]
)
def test_a_gif_is_played_as_often_as_before(send: Send, options: dict[str, int], plays: int) -> None:
    photo = send(encode_frames(hostile.animation(), "GIF", duration=50, **options))

    assert opened(photo).info["loop"] == plays


@pytest.mark.parametrize("loop", [0, 4])
@pytest.mark.parametrize("file_format", ["WEBP", "PNG"])
def test_an_animation_is_played_as_often_as_before(send: Send, file_format: str, loop: int) -> None:
    photo = send(encode_frames(hostile.animation(), file_format, duration=50, loop=loop))

    assert opened(photo).info["loop"] == loop


def test_an_animation_that_stands_still_is_an_image(send: Send) -> None:
    photo = send(hostile.gif_of([(0, 0, 20, 10)] * 3, colors=1))

    assert (photo.kind, photo.frames, photo.seconds) == (Kind.IMAGE, 1, 0)


def test_the_default_picture_of_an_apng_is_no_frame(send: Send) -> None:
    frames = [Image.new("RGB", (40, 30), "blue"), *hostile.animation(4)]

    photo = send(encode_frames(frames, "PNG", duration=50, default_image=True))

    assert photo.frames == 4
    assert pixels_of(opened(photo).convert("RGB")).tolist() == pixels_of(frames[1]).tolist()


def test_the_canvas_grows_with_frames_that_exceed_it(send: Send) -> None:
    photo = send(hostile.gif_of([(0, 0, 20, 10), (15, 5, 20, 10)]))

    assert (photo.kind, photo.frames, photo.width, photo.height) == (Kind.ANIMATION, 2, 35, 15)


def test_a_transparent_animation_stays_transparent(send: Send) -> None:
    frames = [Image.new("RGBA", (20, 20), (255, 0, 0, 60 * index)) for index in range(4)]

    photo = send(encode_frames(frames, "PNG", duration=50))

    stored = opened(photo)
    for index in range(4):
        stored.seek(index)
        assert stored.convert("RGBA").getpixel((0, 0))[3] == 60 * index  # type: ignore[index]


@pytest.mark.parametrize("name", ["gif-animation", "apng", "webp-animation", "avif-animation"])
def test_an_animation_with_a_broken_frame_is_refused(assert_refused: Callable[..., None], name: str) -> None:
    content = SOUND[name]

    assert_refused(content[: len(content) * 4 // 5], "damaged", DAMAGED)


# Limits --------------------------------------------------------------------------------------------------


def test_it_refuses_an_empty_file(assert_refused: Callable[..., None]) -> None:
    assert_refused(b"", "empty", "This file is empty. Choose another one.")


def test_it_refuses_a_large_file_before_it_reads_it(visitor: Owner, folders: tuple[Path, Path]) -> None:
    class Unread(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            pytest.fail("read")

    with pytest.raises(Refused, match=r"This file has 52\.3 MB; at most 40 MB can be sent\.") as refusal:
        receive.receive(visitor, UploadedFile(Unread(), "big.jpg", size=52_300_000))

    assert (refusal.value.code, refusal.value.status) == ("too_large", 413)
    assert_nothing_left(folders)


def test_the_limit_itself_is_taken(send: Send, limit: Callable[..., None]) -> None:
    limit(max_upload_megabytes=1, max_upload_megapixels=48 * 32 / 1e6)

    padded = SOUND["jpeg"].ljust(1_000_000, b"\0")

    assert send(padded).width == 48
    with pytest.raises(Refused, match=r"1\.0 MB"):
        send(padded + b"\0")


@pytest.mark.parametrize("name", GIANTS)
def test_it_refuses_a_giant_by_its_header(
    assert_refused: Callable[..., None], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(Image.Image, "load", lambda _image: pytest.fail("decoded"))
    side = {"webp": 16_384, "avif": 16_000}.get(name, 40_000)

    assert_refused(
        GIANTS[name],
        "too_many_pixels",
        f"This picture has {side} × {side} pixels ({side * side / 1e6:,.1f} megapixels); "
        "at most 40 megapixels can be sent. Make it smaller and try again.",
    )


@pytest.mark.parametrize("name", SOUND)
def test_it_refuses_more_megapixels_than_allowed(
    send: Send, folders: tuple[Path, Path], limit: Callable[..., None], name: str
) -> None:
    limit(max_upload_megapixels=0.0005)

    with pytest.raises(
        Refused, match=r"\(0\.0 megapixels\); at most 0\.0005 megapixels can be sent"
    ) as refusal:
        send(SOUND[name])

    assert refusal.value.code == "too_many_pixels"
    assert_nothing_left(folders)


@pytest.mark.parametrize("name", ["gif-animation", "webp-animation", "apng", "avif-animation"])
def test_all_frames_of_an_animation_count(
    send: Send, folders: tuple[Path, Path], limit: Callable[..., None], name: str
) -> None:
    limit(max_upload_megapixels=5 * 40 * 30 / 1e6 / 2)
    send(SOUND[name])
    Photo.objects.all().delete()
    limit(max_upload_megapixels=5 * 40 * 30 / 1e6 / 2 - 1e-6)

    with pytest.raises(Refused, match="This animation is too long") as refusal:
        send(SOUND[name])

    assert refusal.value.code == "too_many_frames"
    assert not Photo.objects.exists()


@pytest.mark.parametrize("file_format", ["WEBP", "PNG"])
def test_it_refuses_a_thousand_and_one_frames(assert_refused: Callable[..., None], file_format: str) -> None:
    frames = [Image.new("RGB", (2, 2), (index % 256, index // 256, 0)) for index in range(1001)]

    assert_refused(
        encode_frames(frames, file_format, duration=10, lossless=True), "too_many_frames", TOO_LONG
    )


@pytest.mark.slow
def test_it_refuses_an_animation_wider_than_webp(assert_refused: Callable[..., None]) -> None:
    assert_refused(
        hostile.gif_of([(0, 0, 16_384, 2), (5, 0, 9, 2)], canvas=(16_384, 2)),
        "too_many_pixels",
        "An animation can be 16,383 pixels wide or high. Make it smaller and try again.",
    )


MOST_CALLS = 250_000
"""Of functions, Python's and C's, while a bomb of millions of parts is refused; a sound picture takes 6,000."""


@dataclass
class Effort:
    """What was done for an upload: calls of functions, bytes held at once, and the sizes of what was decoded."""

    calls: int = 0
    bytes: int = 0
    decoded: list[tuple[int, int]] = field(default_factory=list)


@contextmanager
def effort() -> Iterator[Effort]:
    """Counts, rather than times, what is done within it."""
    spent = Effort()

    def call(_frame: Any, event: str, _argument: Any) -> None:
        spent.calls += event in ("call", "c_call")

    def load(self: ImageFile.ImageFile) -> Any:
        spent.decoded.append(self.size)
        return really_load(self)

    really_load, profiled = ImageFile.ImageFile.load, sys.getprofile()
    tracemalloc.start()
    sys.setprofile(call)
    try:
        with patch.object(ImageFile.ImageFile, "load", load):
            yield spent
    finally:
        sys.setprofile(profiled)
        spent.bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()


@pytest.mark.sampled(2)
@pytest.mark.timeout(30)  # an expression that begins anew at each byte is busy for minutes in one call
@pytest.mark.parametrize(
    ("bomb", "code", "sentence"),
    [
        (hostile.chunk_flood, "damaged", DAMAGED),
        (hostile.scan_bomb, "damaged", DAMAGED),
        (hostile.jpeg_of_fill, "damaged", DAMAGED),
        (hostile.gif_of_controls, "damaged", DAMAGED),
        (hostile.gif_flood, "too_many_frames", TOO_LONG),
        (hostile.tiff_giant_tile, "damaged", DAMAGED),
        (hostile.tiff_of_strips, "damaged", DAMAGED),
        (hostile.gif_giant_frame, "too_many_pixels", FOUR_GIGAPIXELS),
        (hostile.gif_giant_first_frame, "too_many_pixels", FOUR_GIGAPIXELS),
    ],
)
def test_a_bomb_is_refused_at_once(
    assert_refused: Callable[..., None], bomb: Callable[[], bytes], code: str, sentence: str
) -> None:
    content = bomb()
    with effort() as spent:
        assert_refused(content, code, sentence)
    assert spent.decoded == [], "it is refused before anything decodes it"
    assert spent.calls < MOST_CALLS
    assert spent.bytes < 2_000_000


@pytest.mark.slow
@pytest.mark.parametrize("bomb", [hostile.idat_bomb, hostile.text_bomb, hostile.gif_of_nothing])
def test_of_a_bomb_with_a_sound_picture_only_the_picture_is_unpacked(
    send: Send, bomb: Callable[[], bytes]
) -> None:
    content = bomb()
    with effort() as spent:
        photo = send(content)
    assert set(spent.decoded) <= {(8, 8), picture().size}
    assert spent.calls < MOST_CALLS
    assert spent.bytes < 2_000_000
    assert photo.bytes < 1_000
    assert_clean(photo)


def test_many_black_pixels_are_no_bomb_but_a_picture(send: Send, limit: Callable[..., None]) -> None:
    bomb = hostile.png_bomb(2_000)
    assert len(bomb) < 20_000

    assert send(bomb).width == 2_000
    limit(max_upload_megapixels=3.9)
    with pytest.raises(Refused, match=r"2000 × 2000 pixels \(4\.0 megapixels\); at most 3\.9 megapixels"):
        send(bomb)


# What is no picture --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NO_PICTURES)
def test_it_refuses_what_is_no_picture(assert_refused: Callable[..., None], name: str) -> None:
    assert_refused(NO_PICTURES[name], "not_a_picture", NOT_A_PICTURE)


@pytest.mark.sampled(22)
@pytest.mark.parametrize("name", SOUND)
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_it_refuses_a_truncated_file(assert_refused: Callable[..., None], name: str, part: float) -> None:
    content = SOUND[name]

    assert_refused(content[: max(64, int(len(content) * part))], "damaged", DAMAGED)


@pytest.mark.sampled(2)
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


@pytest.mark.parametrize("error", [ZeroDivisionError, RuntimeError, AssertionError, struct.error, OSError])
def test_whatever_a_decoder_raises_is_damage(
    assert_refused: Callable[..., None], monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    monkeypatch.setattr(Image, "open", _raising(error("inside of a decoder")))

    assert_refused(SOUND["png"], "damaged", DAMAGED)


def test_want_of_memory_is_said_and_logged(
    assert_refused: Callable[..., None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Image, "open", _raising(MemoryError()))

    assert_refused(
        SOUND["png"],
        "out_of_memory",
        "The server is short of memory just now. Try again later or send a smaller picture.",
        status=503,
    )
    assert "want of memory" in caplog.text


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


def test_a_full_disk_while_a_file_is_made_leaves_nothing(
    assert_refused: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "write_bytes", _raising(OSError(errno.ENOSPC, "No space left on device")))

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
    monkeypatch.setattr(Photo, "save", _raising(error))

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
