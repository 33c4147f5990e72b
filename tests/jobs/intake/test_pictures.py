"""A picture comes out as it is seen, and carries nothing else along."""

import io
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from ml.core import colors
from ml.core.formats import Kind
from tests.jobs import hostile, profiles
from tests.jobs.hostile import SECRET, encode, encode_frames, picture
from tests.jobs.intake.received import (
    DAMAGED,
    POLYGLOTS,
    SOUND,
    Send,
    assert_clean,
    content_of,
    opened,
    pixels_of,
)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


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
        encode_frames(frames, "WEBP", exif=hostile.exif(1), xmp=SECRET, icc_profile=profiles.display_p3()),
        encode_frames(frames, "GIF", comment=SECRET, duration=50),
    ):
        assert_clean(send(content + hostile.archive()))


# Colours and depths --------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_foreign_profile_is_converted(send: Send, file_format: str) -> None:
    flat = Image.new("RGB", (32, 32), (60, 200, 90))
    profile = profiles.display_p3()
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
        colors.ImageCms, "profileToProfile", lambda *_args, **_options: pytest.fail("converted")
    )
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    photo = send(encode(picture(), "JPEG", icc_profile=profile))

    assert photo.note == ""
    assert_clean(photo)


@pytest.mark.parametrize("mode", ["P", "RGBA", "LA", "L"])
def test_alpha_survives_a_foreign_profile(send: Send, mode: str) -> None:
    image = picture("RGBA") if mode != "L" else picture("L")
    image = image.quantize(32) if mode == "P" else image.convert(mode)
    profile = profiles.display_p3() if mode in ("P", "RGBA") else profiles.dim_gray()
    alpha = image.convert("RGBA").getchannel("A")

    photo = send(encode(image, "PNG", icc_profile=profile))

    stored = opened(photo)
    assert stored.mode == {"P": "RGBA", "RGBA": "RGBA", "LA": "LA", "L": "L"}[mode]
    assert pixels_of(stored.convert("RGBA").getchannel("A")).tolist() == pixels_of(alpha).tolist()
    assert np.abs(pixels_of(stored.convert("L")) - pixels_of(image.convert("L"))).mean() > 1
    assert photo.note.startswith("Converted from the colour profile “")


@pytest.mark.parametrize(
    "profile", [b"rubbish", bytes(200), profiles.display_p3()[:300], profiles.dim_gray()]
)
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
        converted = ImageCms.profileToProfile(source, colors.SRGB, lab, outputMode="LAB")
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


def test_16_bits_stay_16_bits_when_they_are_converted_from_a_profile(send: Send) -> None:
    content, pixels = hostile.deep(3)
    header = io.BytesIO(encode(picture(), "PNG", icc_profile=profiles.display_p3()))
    profile = next(body for name, body in hostile.chunks(header.getvalue()) if name == b"iCCP")

    photo = send(hostile.with_chunks(content, hostile.chunk(b"iCCP", profile)))

    stored = cv2.imdecode(np.frombuffer(content_of(photo), np.uint8), cv2.IMREAD_UNCHANGED)
    assert stored.dtype == np.uint16
    assert len(np.unique(stored)) > 500
    assert np.abs(stored[:, :, ::-1].astype(int) - pixels).max() > 300
    assert photo.note == "Converted from the colour profile “Display P3” to sRGB."


def test_an_opaque_alpha_of_a_lossy_picture_is_dropped(send: Send) -> None:
    content = hostile.webp_with_opaque_alpha()
    assert Image.open(io.BytesIO(content)).mode == "RGBA"

    assert send(content).format == "jpeg"


def test_16_bits_cut_short_inside_are_refused(assert_refused: Callable[..., None]) -> None:
    chunks = dict(hostile.chunks(SOUND["png-16"]))
    short = {**chunks, b"IDAT": chunks[b"IDAT"][: len(chunks[b"IDAT"]) // 2]}
    content = SOUND["png-16"][:8] + b"".join(hostile.chunk(name, body) for name, body in short.items())

    assert_refused(content, "damaged", DAMAGED)


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
