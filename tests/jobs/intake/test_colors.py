"""What a file says of its colours, in whatever way, is what is seen in sRGB."""

import io
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pytest
from PIL import Image

from tests.jobs import hostile, kinds, profiles
from tests.jobs.hostile import chunk, encode
from tests.jobs.intake.received import Send, assert_clean, content_of, pixels_of
from tests.jobs.kinds import chrm, cicp, gama, heic, in_linear_light, made_up, png_of, trns

SEEN = made_up(64, 64)
SRGB, DISPLAY_P3 = (
    (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06),
    (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
)


def matrix(corners: tuple[float, ...]) -> Any:
    """From linear RGB to XYZ (SMPTE RP 177)."""
    white, *primaries = (
        np.array([x / y, 1, (1 - x - y) / y]) for x, y in zip(corners[::2], corners[1::2], strict=True)
    )
    columns = np.stack(primaries, axis=1)
    return columns * np.linalg.solve(columns, white)


def from_p3(pixels: Any) -> Any:
    """Display P3 as sRGB, by the matrices of their primaries; what lies outside is cut off."""
    coded = pixels / 255.0
    light = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    light = np.clip(light @ (np.linalg.inv(matrix(SRGB)) @ matrix(DISPLAY_P3)).T, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def largest(photo: Any, wanted: Any) -> float:
    return float(np.abs(pixels_of(photo) - wanted).max())


def test_a_profile_is_not_known_by_its_name(send: Send) -> None:
    linear = profiles.linear(b"Linear sRGB")
    assert np.abs(in_linear_light(SEEN).astype(int) - SEEN).max() > 50

    photo = send(encode(Image.fromarray(in_linear_light(SEEN)), "PNG", icc_profile=linear))

    assert largest(photo, SEEN) <= 4
    assert photo.note == "Converted from the colour profile “Linear sRGB” to sRGB."
    assert_clean(photo)


def test_a_gamma_alone_is_applied(send: Send) -> None:
    photo = send(png_of(in_linear_light(SEEN), gama(1)))

    assert largest(photo, SEEN) <= 4
    assert photo.note == "Converted from the colour profile “sRGB, gamma 1” to sRGB."
    assert_clean(photo)


@pytest.mark.parametrize("chunks", [gama(2.2), chrm(*SRGB), chunk(b"sRGB", b"\0") + gama(1)])
def test_what_means_srgb_is_left_alone(send: Send, chunks: bytes) -> None:
    photo = send(png_of(SEEN, chunks))

    assert (largest(photo, SEEN), photo.note) == (0, "")


def test_primaries_alone_are_applied(send: Send) -> None:
    photo = send(png_of(SEEN, chrm(*DISPLAY_P3)))

    assert largest(photo, from_p3(SEEN)) <= 2
    assert photo.note == "Converted from the colour profile “cHRM” to sRGB."


def test_numbers_come_before_a_profile(send: Send) -> None:
    content = encode(Image.fromarray(SEEN), "PNG", icc_profile=profiles.linear(b"Linear sRGB"))

    photo = send(content[:33] + cicp(12, 13) + content[33:])

    assert largest(photo, from_p3(SEEN)) <= 2
    assert photo.note == "Converted from the colour profile “Display P3” to sRGB."


@pytest.mark.parametrize("primaries", [chrm(*(0,) * 8), chrm(*(0.3,) * 8), cicp(77, 77)])
def test_numbers_that_are_none_do_no_harm(send: Send, primaries: bytes) -> None:
    photo = send(png_of(SEEN, primaries))

    assert largest(photo, SEEN) == 0


def test_an_animation_of_wide_colours_is_converted(send: Send) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ((200, 60, 40), (40, 200, 60))]
    content = hostile.encode_frames(frames, "PNG", duration=100)

    photo = send(content[:33] + cicp(12, 13) + content[33:])

    with Image.open(io.BytesIO(content_of(photo))) as stored:
        for index, frame in enumerate(frames):
            stored.seek(index)
            assert np.abs(pixels_of(stored.convert("RGB")) - from_p3(pixels_of(frame))).max() <= 2


def test_the_numbers_of_an_avif_are_applied(send: Send) -> None:
    content = encode(Image.fromarray(SEEN), "AVIF", quality=100, subsampling="4:4:4")
    place = content.index(b"colrnclx") + 8

    photo = send(content[:place] + b"\0\x0c\0\x0d" + content[place + 4 :])

    assert np.abs(pixels_of(photo) - from_p3(SEEN)).mean() < 2
    assert photo.note == "Converted from the colour profile “Display P3” to sRGB."


@pytest.mark.parametrize("deep", [False, True])
def test_the_numbers_of_a_heic_are_applied(send: Send, deep: bool) -> None:
    pixels = SEEN.astype(np.uint16) * 257 if deep else SEEN

    photo = send(heic(pixels, color_primaries=12, transfer_characteristics=13, save_nclx_profile=True))

    stored = cv2.imdecode(np.frombuffer(content_of(photo), np.uint8), cv2.IMREAD_UNCHANGED)[:, :, ::-1]
    assert np.abs(stored / (257 if deep else 1) - from_p3(SEEN)).mean() < 2
    assert photo.note == "Converted from the colour profile “Display P3” to sRGB."


def test_16_bits_of_gray_are_converted_and_stay_16_bits(send: Send) -> None:
    ramp = np.linspace(0, 65535, 4000).astype(np.uint16).reshape(40, 100)
    profile = bytes(imagecodecs.cms_profile("gray", gamma=1.8))

    photo = send(encode(Image.fromarray(ramp), "PNG", icc_profile=profile))

    stored = cv2.imdecode(np.frombuffer(content_of(photo), np.uint8), cv2.IMREAD_UNCHANGED)
    light = (ramp / 65535.0) ** 1.8
    wanted = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert stored.dtype == np.uint16
    assert np.abs(stored / 65535.0 - wanted).max() < 2 / 255
    assert photo.note.startswith("Converted from the colour profile “")


def test_high_dynamic_range_is_shown_as_far_as_it_goes(send: Send) -> None:
    """A PQ signal (SMPTE ST 2084) of SDR's white at 203 cd/m²: what is as dark as the disc is as it was."""
    coded = SEEN / 255.0
    light = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4) * 203 / 10_000
    power = light**0.1593017578125
    signal = ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375

    photo = send(png_of(np.rint(255 * signal).astype(np.uint8), cicp(1, 16)))

    assert np.abs(pixels_of(photo)[32, 32] - (200, 60, 40)).max() <= 4
    assert photo.note == "Converted from high dynamic range: what is brighter than white is white, or nearly."


# Transparent colours and few bits -------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_a_transparent_gray_of_any_depth_is_transparent(send: Send, depth: int) -> None:
    white = (1 << depth) - 1
    row = {16: b"\xff\xff\0\0", 8: b"\xff\0"}.get(depth) or bytes([white << 8 - depth])
    head = chunk(b"IHDR", (2).to_bytes(4) + (1).to_bytes(4) + bytes([depth, 0, 0, 0, 0]))
    data = chunk(b"IDAT", hostile.zlib.compress(b"\0" + row))

    photo = send(b"\x89PNG\r\n\x1a\n" + head + trns(white) + data + chunk(b"IEND", b""))

    alpha = pixels_of(Image.open(io.BytesIO(content_of(photo))).convert("RGBA"))[:, :, 3]
    assert alpha.tolist() == [[0, 255]]


def test_a_transparent_colour_of_16_bits_is_transparent_and_no_other(send: Send) -> None:
    _content, pixels = hostile.deep(3)
    content, pixels = kinds.with_deep_chunks(3, trns(*pixels[4, 5].tolist()))

    photo = send(content)

    stored = cv2.imdecode(np.frombuffer(content_of(photo), np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.argwhere(stored[:, :, 3] == 0).tolist() == [[4, 5]]
    assert np.array_equal(stored[:, :, 2::-1], pixels)


@pytest.mark.parametrize("masks", [(0xF800, 0x7E0, 0x1F), (0x7C00, 0x3E0, 0x1F)])
def test_white_of_few_bits_is_white(send: Send, masks: tuple[int, int, int]) -> None:
    """A BMP of 5, 6 and 5 bits, or of 5 each (BITMAPINFOHEADER, BI_BITFIELDS)."""
    colors = [0, masks[0], sum(masks), masks[2]]
    size = b"".join(value.to_bytes(4, "little") for value in (4, 1))
    head = (40).to_bytes(4, "little") + size + b"\1\0\x10\0\3\0\0\0" + bytes(20)
    body = head + b"".join(mask.to_bytes(4, "little") for mask in masks)
    data = b"".join(color.to_bytes(2, "little") for color in colors)

    photo = send(b"BM" + (74).to_bytes(4, "little") + bytes(4) + (66).to_bytes(4, "little") + body + data)

    assert pixels_of(photo).tolist() == [[[0, 0, 0], [255, 0, 0], [255, 255, 255], [0, 0, 255]]]
