"""What is too large, in any way, is refused before it costs anything."""

import io
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.core.files.uploadedfile import UploadedFile
from PIL import Image, ImageFile

from jobs.errors import Refused
from jobs.intake import receive
from jobs.models import Asset, Owner
from tests.jobs import hostile
from tests.jobs.hostile import encode_frames, picture
from tests.jobs.intake.received import (
    DAMAGED,
    FOUR_GIGAPIXELS,
    GIANTS,
    SOUND,
    TOO_LONG,
    Send,
    assert_clean,
    assert_nothing_left,
)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


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


@pytest.mark.usefixtures("in_process")
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
        "at most 52 megapixels can be sent. Make it smaller and try again.",
    )


@pytest.mark.sampled(6)
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
    Asset.objects.all().delete()
    limit(max_upload_megapixels=5 * 40 * 30 / 1e6 / 2 - 1e-6)

    with pytest.raises(Refused, match="This animation is too long") as refusal:
        send(SOUND[name])

    assert refusal.value.code == "too_many_frames"
    assert not Asset.objects.exists()


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


@pytest.mark.usefixtures("in_process")
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
    assert spent.bytes < 2_000_000 + 2 * len(content), "of the file itself, Python makes two copies"


@pytest.mark.slow
@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("bomb", [hostile.idat_bomb, hostile.text_bomb, hostile.gif_of_nothing])
def test_of_a_bomb_with_a_sound_picture_only_the_picture_is_unpacked(
    send: Send, bomb: Callable[[], bytes]
) -> None:
    content = bomb()
    with effort() as spent:
        photo = send(content)
    assert set(spent.decoded) <= {(8, 8), picture().size}
    assert spent.calls < MOST_CALLS
    assert spent.bytes < 2_000_000 + 2 * len(content), "of the file itself, Python makes two copies"
    assert photo.bytes < 1_200
    assert_clean(photo)


def test_many_black_pixels_are_no_bomb_but_a_picture(send: Send, limit: Callable[..., None]) -> None:
    bomb = hostile.png_bomb(2_000)
    assert len(bomb) < 20_000

    assert send(bomb).width == 2_000
    limit(max_upload_megapixels=3.9)
    with pytest.raises(Refused, match=r"2000 × 2000 pixels \(4\.0 megapixels\); at most 3\.9 megapixels"):
        send(bomb)
