"""An animation keeps its frames and times."""

from collections.abc import Callable

import pytest
from PIL import Image

from ml.core.formats import Kind
from tests.jobs import hostile
from tests.jobs.hostile import encode_frames
from tests.jobs.intake.received import DAMAGED, SOUND, Send, opened, pixels_of

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


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
