"""TIFFs of scanners, cameras and scientists come out as they are meant; so do cameras' raw files."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from tests.jobs.intake.received import Send, assert_clean, content_of
from tests.jobs.kinds import dng, made_up, tiff

SEEN = made_up(60, 40)
DEEP = SEEN.astype(np.uint16) * 257
RAMP = np.broadcast_to(np.linspace(0, 65535, 60).astype(np.uint16)[None, :, None], (40, 60, 1))
UNDEVELOPED = (
    "This raw file of a camera is of a kind that cannot be developed here. Export it as TIFF or JPEG."
)


def stored(photo: Any) -> Any:
    """(H, W, channels), RGB(A); gray where the picture is."""
    pixels = cv2.imdecode(np.frombuffer(content_of(photo), np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels.dtype == np.uint16
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    return pixels[:, :, [2, 1, 0, 3][: pixels.shape[2]]] if pixels.shape[2] > 2 else pixels


@pytest.mark.sampled(5)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "zstd", "packbits"])
def test_16_bits_are_read_however_they_lie(
    send: Send, order: str, big: bool, compression: str | None
) -> None:
    content = tiff(DEEP, photometric="rgb", byteorder=order, bigtiff=big, compression=compression)

    assert np.array_equal(stored(send(content)), DEEP)


@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_one_plane_after_the_other(send: Send, tile: tuple[int, int] | None) -> None:
    content = tiff(np.moveaxis(DEEP, 2, 0), photometric="rgb", planarconfig="separate", tile=tile)

    assert np.array_equal(stored(send(content)), DEEP)


@pytest.mark.parametrize(("orientation", "turn"), [(3, 2), (6, 3), (8, 1)])
def test_it_is_turned_once(send: Send, orientation: int, turn: int) -> None:
    photo = send(tiff(DEEP, photometric="rgb", extratags=[(274, 3, 1, orientation, True)]))

    assert np.array_equal(stored(photo), np.rot90(DEEP, turn))


def test_colours_that_were_multiplied_by_alpha_are_divided(send: Send) -> None:
    multiplied = np.rint(DEEP * (RAMP / 65535)).astype(np.uint16)

    photo = send(tiff(np.dstack([multiplied, RAMP]), photometric="rgb", extrasamples=["assocalpha"]))

    visible = RAMP[:, :, 0] > 655
    assert np.array_equal(stored(photo)[:, :, 3:], RAMP)
    assert np.abs(stored(photo)[:, :, :3].astype(int) - DEEP)[visible].max() <= 65


def test_gray_keeps_its_alpha(send: Send) -> None:
    photo = send(
        tiff(np.dstack([DEEP[:, :, :1], RAMP]), photometric="minisblack", extrasamples=["unassalpha"])
    )

    assert np.array_equal(stored(photo)[:, :, [0, 3]], np.dstack([DEEP[:, :, :1], RAMP]))


def test_white_may_be_zero(send: Send) -> None:
    photo = send(tiff(65535 - DEEP[:, :, 0], photometric="miniswhite"))

    assert np.array_equal(stored(photo), DEEP[:, :, :1])


def test_32_bits_become_16_and_it_says_so(send: Send) -> None:
    photo = send(tiff(SEEN[:, :, 0].astype(np.uint32) * 16_843_009, photometric="minisblack"))

    assert np.array_equal(stored(photo), DEEP[:, :, :1])
    assert photo.note == "Reduced from 32 to 16 bits a channel."


def test_counts_that_fit_16_bits_stay_as_they_are(send: Send) -> None:
    photo = send(tiff(DEEP[:, :, 0].astype(np.uint32), photometric="minisblack"))

    assert (np.array_equal(stored(photo), DEEP[:, :, :1]), photo.note) == (True, "")


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floating_point_from_0_to_1_is_black_to_white(send: Send, kind: type) -> None:
    photo = send(tiff((SEEN / 255).astype(kind), photometric="rgb"))

    assert np.abs(stored(photo).astype(int) - DEEP).max() <= (40 if kind is np.float16 else 1)
    assert photo.note.startswith("Its numbers, from 0.07843 to 0.941")


@pytest.mark.parametrize("numbers", [SEEN[:, :, 0] * 100.0 - 5000, SEEN[:, :, 0].astype(np.int32) * 3 - 200])
def test_other_numbers_are_scaled_by_their_own_range(send: Send, numbers: Any) -> None:
    numbers = numbers.astype(np.float32 if numbers.dtype == float else np.int32)
    low, high = float(numbers.min()), float(numbers.max())

    photo = send(tiff(numbers, photometric="minisblack"))

    assert np.abs(stored(photo)[:, :, 0] - (numbers - low) / (high - low) * 65535).max() <= 1
    assert photo.note == f"Its numbers, from {low:.4g} to {high:.4g}, became 16 bits a channel."


def test_what_is_no_number_does_no_harm(send: Send) -> None:
    numbers = (SEEN[:, :, 0] / 255).astype(np.float32)
    numbers[3, 4], numbers[5, 6] = np.nan, np.inf

    photo = send(tiff(numbers, photometric="minisblack"))

    assert stored(photo).max() == DEEP[:, :, 0].max()


def test_what_has_more_channels_than_colours_says_so(send: Send) -> None:
    photo = send(tiff(np.dstack([DEEP, DEEP]), photometric="rgb", planarconfig="contig"))

    assert np.array_equal(stored(photo), DEEP)
    assert photo.note == "It has 3 more channels than colours, which were left out."


def test_a_raw_file_is_developed_and_not_its_small_copy(send: Send) -> None:
    photo = send(dng(made_up(96, 64)))

    seen = stored(photo) / 257
    assert (photo.width, photo.height, photo.format) == (96, 64, "png")
    assert np.abs(seen - made_up(96, 64)).mean() < 25
    assert seen[32, 48, 0] > 2 * seen[32, 48, 1:].max()
    assert photo.note == "Developed from the camera's raw file, with the white balance of the camera."
    assert_clean(photo)


def test_a_raw_file_that_cannot_be_developed_is_refused_in_words(assert_refused: Callable[..., None]) -> None:
    packed = dng(made_up(96, 64), compression="zlib")

    assert_refused(packed, "unsupported", UNDEVELOPED)
