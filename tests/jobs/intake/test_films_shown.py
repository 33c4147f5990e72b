"""A film is kept as it is meant to be seen and heard."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from jobs.intake import receive
from jobs.models import Asset, Owner
from ml.core.files import facts
from ml.core.frames import frames
from tests.jobs.kinds import made_up
from tests.ml.films import film, mirrored

Kept = Callable[[Path], tuple[Asset, Path]]
CODED_ANEW = "Coded anew as H.264, which every browser plays."
SEEN = made_up(96, 64)
CORNERS = ((4, 4), (4, -5), (-5, 4), (-5, -5))


@pytest.fixture
def kept(visitor: Owner, folders: tuple[Path, Path], tmp_path: Path) -> Kept:
    """What is stored of a film, and a copy of it."""

    def keep(path: Path) -> tuple[Asset, Path]:
        photo = receive.receive(visitor, SimpleUploadedFile(path.name, path.read_bytes()))
        copy = tmp_path / "kept.mp4"
        with photo.file.open() as file:
            copy.write_bytes(file.read())
        return photo, copy

    return keep


def first(path: Path) -> Any:
    return next(frames(path)).picture.pixels.astype(int)


def heard(path: Path) -> tuple[float, float]:
    """When sound begins and ends."""
    with av.open(path) as opened:
        times = [(frame.time, frame.samples / frame.sample_rate) for frame in opened.decode(audio=0)]
    return times[0][0], sum(times[-1])


def test_a_mirrored_film_is_mirrored_from_left_to_right(kept: Kept, tmp_path: Path) -> None:
    source = mirrored(film(tmp_path / "film.mp4", still=SEEN, size=(96, 64)))

    photo, path = kept(source)

    assert (photo.width, photo.height) == (96, 64)
    for row, column in CORNERS:
        assert np.abs(first(path)[row, column] - SEEN[:, ::-1][row, column]).max() <= 12


def test_sound_before_a_picture_that_starts_late_is_kept(kept: Kept, tmp_path: Path) -> None:
    times = [1 + index / 25 for index in range(10)]

    photo, path = kept(film(tmp_path / "film.mp4", times=times))

    assert next(frames(path)).start == pytest.approx(1, abs=0.01)
    assert heard(path) == pytest.approx((0, 1.4), abs=0.05)
    assert photo.seconds == pytest.approx(1.4, abs=0.05)


def test_a_film_whose_time_begins_late_keeps_sound_and_pictures_together(kept: Kept, tmp_path: Path) -> None:
    """As a part that was cut out of a longer one has it."""
    whole, part = film(tmp_path / "whole.mp4", count=50), tmp_path / "part.mp4"
    with av.open(whole) as source, av.open(part, "w") as target:
        streams = {each: target.add_stream_from_template(each) for each in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.pts += round(1 / packet.time_base)
                packet.dts += round(1 / packet.time_base)
                packet.stream = streams[packet.stream]
                target.mux(packet)

    photo, path = kept(part)

    assert next(frames(path)).start == pytest.approx(0, abs=0.05)
    assert heard(path) == pytest.approx((0, 2), abs=0.1)
    assert photo.seconds == pytest.approx(2, abs=0.05)


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("shape", "shown"), [(Fraction(16, 11), (140, 64)), (Fraction(1, 2), (96, 128)), (Fraction(1), (96, 64))]
)
def test_pixels_that_are_not_square_are_respected(
    kept: Kept, tmp_path: Path, shape: Fraction, shown: tuple[int, int]
) -> None:
    photo, path = kept(film(tmp_path / "film.mp4", still=SEEN, size=(96, 64), pixel_shape=shape))

    assert (photo.width, photo.height) == shown
    assert (facts(path).width, facts(path).height) == shown
    assert first(path).shape == (shown[1], shown[0], 3)
    for row, column in CORNERS:
        assert np.abs(first(path)[row, column] - SEEN[row, column]).max() <= 12


def test_a_pixel_shape_does_not_get_around_the_limit(kept: Kept, tmp_path: Path) -> None:
    source = film(tmp_path / "film.mp4", size=(960, 640), pixel_shape=Fraction(20, 1), count=2)

    with pytest.raises(receive.Refused, match="megapixels can be sent"):
        kept(source)


def test_every_row_and_column_of_odd_sides_is_kept(kept: Kept, tmp_path: Path) -> None:
    seen = made_up(75, 53)

    photo, path = kept(film(tmp_path / "film.mp4", still=seen, size=(75, 53), pixel_format="yuv444p"))

    assert (photo.width, photo.height) == (76, 54)
    for row, column in CORNERS:
        assert np.abs(first(path)[:53, :75][row, column] - seen[row, column]).max() <= 12


def pq(light: Any) -> Any:
    """SMPTE ST 2084, of light in cd/m²."""
    power = (light / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def hlg(light: Any) -> Any:
    """ITU-R BT.2100, of light on a display of 1000 cd/m²."""
    luminance = (light / 1000) @ (0.2627, 0.6780, 0.0593)
    scene = light / 1000 * np.maximum(luminance, 1e-9)[..., None] ** (1 / 1.2 - 1)
    return np.where(
        scene <= 1 / 12,
        np.sqrt(3 * scene),
        0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("curve", "coded"), [(16, pq), (18, hlg)])
def test_high_dynamic_range_is_shown_as_far_as_it_goes(
    kept: Kept, tmp_path: Path, curve: int, coded: Callable[[Any], Any]
) -> None:
    """BT.2020 with SDR's white at 203 cd/m²: what is well below white is as it was."""
    to_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
    light = (
        203
        * np.where(SEEN / 255 <= 0.04045, SEEN / 255 / 12.92, ((SEEN / 255 + 0.055) / 1.055) ** 2.4)
        @ to_2020.T
    )
    signal = np.rint(65535 * coded(light)).astype(np.uint16)

    photo, path = kept(
        film(tmp_path / "film.mp4", still=signal, size=(96, 64), codec="libx265", pixel_format="yuv420p10le",
             h273=(9, curve), options={"crf": "8"})
    )  # fmt: skip

    assert np.abs(first(path)[28:36, 44:52].mean(axis=(0, 1)) - (200, 60, 40)).max() <= 5
    assert photo.note == (
        f"{CODED_ANEW} Converted from high dynamic range: what is brighter than white is white, or nearly."
    )


def test_lost_transparency_is_said(kept: Kept, tmp_path: Path) -> None:
    source = film(tmp_path / "film.webm", codec="libvpx-vp9", pixel_format="yuva420p", sound="libopus")

    assert kept(source)[0].note == f"{CODED_ANEW} Its transparency was left out, as no MP4 has any."


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("name", "codec", "sound"),
    [
        ("film.avi", "mjpeg", "pcm_s16le"),
        ("film.avi", "mpeg4", "mp3"),
        ("film.avi", "libx264", "aac"),
        ("film.mpg", "mpeg2video", "mp2"),
    ],
)
def test_films_of_older_cameras_are_taken(
    kept: Kept, tmp_path: Path, settings: Any, name: str, codec: str, sound: str
) -> None:
    settings.LATENT = settings.LATENT.model_copy(update={"upload_formats": "avi,mpeg"})
    pixel_format = "yuvj420p" if codec == "mjpeg" else "yuv420p"

    photo, path = kept(
        film(tmp_path / name, codec=codec, sound=sound, pixel_format=pixel_format, count=10, clock=25)
    )

    assert (photo.format, photo.width, photo.height, photo.note) == ("mp4", 64, 48, CODED_ANEW)
    assert photo.frames == pytest.approx(10, abs=1)
    assert heard(path)[1] == pytest.approx(0.4, abs=0.1)
