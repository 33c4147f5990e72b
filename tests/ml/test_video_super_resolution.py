"""Videos, enlarged frame by frame: as long as before, with their sound, at their own times."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from ml.core.context import Context, Inputs, Result
from ml.core.errors import Cancelled, InputError
from ml.core.execution import execute
from ml.core.files import facts
from ml.core.formats import Kind
from ml.core.frames import Frame, VideoWriter, frames
from ml.core.images import Picture
from ml.core.operation import Facts
from ml.registry import registry
from ml.video_super_resolution import VideoParams
from ml.video_super_resolution.run import windows
from tests.ml.films import film, only_sound
from tests.ml.recorder import Recorder
from tests.ml.samples import truncated

OPERATION = registry().get("video-super-resolution")
COLORS = [(200, 40, 90), (20, 180, 60), (30, 60, 220), (240, 240, 240)]


def enlarge(path: Path, context: Context | None = None, **params: Any) -> tuple[Result, Path]:
    context = context or Context()
    parsed = OPERATION.parse({"method": "bicubic"} | params)
    result = execute(OPERATION, parsed, Inputs({"video": [path]}), context)
    kept = path.with_name("enlarged.mp4")
    kept.write_bytes(result.files["video"].path.read_bytes())
    return result, kept


@pytest.mark.sampled(1)
@pytest.mark.parametrize("method", ["bicubic", "fsrcnn", "latent-sr", "burst"])
def test_every_method_enlarges_a_film_and_keeps_its_sound(tmp_path: Path, method: str) -> None:
    result, path = enlarge(film(tmp_path / "film.mp4", count=4), method=method)

    assert result.files["video"].format.name == "mp4"
    assert result.metrics == {"frames": 4}
    assert facts(path) == Facts(Kind.VIDEO, 128, 96, 4, facts(path).seconds)
    with av.open(path) as enlarged, av.open(tmp_path / "film.mp4") as before:
        assert [stream.codec_context.name for stream in enlarged.streams] == ["h264", "aac"]
        sounds = [[frame.to_ndarray() for frame in each.decode(audio=0)] for each in (enlarged, before)]
    assert np.array_equal(np.concatenate(sounds[0], axis=1), np.concatenate(sounds[1], axis=1))


def test_colours_stay(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mp4", count=4, colors=COLORS, sound="")
    _, path = enlarge(source)
    for before, after in zip(frames(source), frames(path), strict=True):
        assert np.abs(before.picture.pixels[0, 0].astype(int) - after.picture.pixels[0, 0]).max() <= 4


def test_the_frames_of_a_variable_rate_stay_where_they_are(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.3, 0.34, 1.0]
    _, path = enlarge(film(tmp_path / "film.mp4", count=5, times=times))
    assert [frame.start for frame in frames(path)] == pytest.approx(times, abs=0.002)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_a_phone_s_film_comes_out_upright(tmp_path: Path, rotation: int) -> None:
    plain = film(tmp_path / "plain.mp4", count=2, sound="")
    turned = film(tmp_path / "turned.mp4", count=2, sound="", rotation=rotation)
    upright = np.rot90(next(frames(plain)).picture.pixels, rotation // 90)

    _, path = enlarge(turned)

    found = next(frames(path)).picture
    assert (found.width, found.height) == ((96, 128) if rotation % 180 else (128, 96))
    assert np.abs(found.pixels[::2, ::2].astype(int) - upright).mean() < 12
    assert next(frames(turned)).picture.pixels.tolist() == upright.tolist()


def test_a_gif_becomes_a_film_of_the_same_length_with_even_sides(tmp_path: Path) -> None:
    images = [Image.new("RGB", (21, 15), color) for color in COLORS[:3]]
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:], duration=[120, 300, 0])
    _, path = enlarge(tmp_path / "a.gif", scale=3)
    found = list(frames(path))
    assert [frame.start for frame in found] == pytest.approx([0, 0.12, 0.42], abs=0.001)
    assert (found[0].picture.width, found[0].picture.height) == (64, 46)
    assert facts(path).seconds == pytest.approx(0.52, abs=0.02)


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    clear = Picture(np.zeros((16, 16, 4), np.uint8))
    with VideoWriter(tmp_path / "film.mp4", tmp_path / "films.py") as writer:
        (tmp_path / "films.py").write_text("no video")
        writer.add(Frame(clear, 0.0, 0.1))
    assert next(frames(tmp_path / "film.mp4")).picture.pixels.min() >= 250


def test_other_sound_is_coded_anew(tmp_path: Path) -> None:
    _, path = enlarge(film(tmp_path / "film.webm", codec="libvpx-vp9", sound="libopus", count=8))
    with av.open(path) as enlarged:
        assert enlarged.streams.audio[0].codec_context.name == "aac"
        heard = np.concatenate([frame.to_ndarray() for frame in enlarged.decode(audio=0)], axis=1)
    assert heard.shape[1] / 48_000 == pytest.approx(0.32, abs=0.06)
    assert np.abs(heard).max() > 0.1


def test_a_frame_has_its_neighbours_for_company() -> None:
    seen = [(middle, sorted([middle, *others])) for middle, others in windows(range(6), 2)]  # type: ignore[arg-type, type-var]
    assert [middle for middle, _ in seen] == list(range(6))  # type: ignore[comparison-overlap]
    assert seen[0][1] == [0, 1, 2]  # type: ignore[comparison-overlap]
    assert seen[3][1] == [1, 2, 3, 4, 5]  # type: ignore[comparison-overlap]
    assert seen[5][1] == [3, 4, 5]  # type: ignore[comparison-overlap]


def test_a_run_is_live_and_can_be_stopped(tmp_path: Path) -> None:
    source, recorder = film(tmp_path / "film.mp4", count=5), Recorder()
    enlarge(source, recorder)
    assert recorder.fractions == sorted(recorder.fractions)
    assert len(recorder.previews) == 5
    assert (recorder.previews[0].width, recorder.previews[0].height) == (128, 96)
    with pytest.raises(Cancelled):
        enlarge(source, Recorder(cancel_at=recorder.asked // 2))


def test_the_estimate_counts_the_frames() -> None:
    def seconds(frames: int, method: str = "latent-sr") -> float:
        inputs = {"video": [Facts(Kind.VIDEO, 1280, 720, frames, frames / 25)]}
        return OPERATION.estimate(VideoParams(method=method), inputs).seconds  # type: ignore[arg-type]

    assert seconds(100) > 5 * seconds(10)
    assert seconds(1500, "burst") > OPERATION.deadline_seconds  # which is refused before it is queued
    assert seconds(100, "fsrcnn") < seconds(100) < seconds(100, "real-esrgan-compact")


def test_frames_beyond_what_a_video_holds_are_refused() -> None:
    with pytest.raises(InputError, match="Choose a smaller scale"):
        OPERATION.estimate(VideoParams(scale=4), {"video": [Facts(Kind.ANIMATION, 5000, 40, 3)]})


def test_a_photo_is_no_film(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "photo.png")
    with pytest.raises(InputError, match="animation, video"):
        enlarge(tmp_path / "photo.png")


def test_a_file_that_only_says_it_is_a_film_is_refused(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(100))
    for path, words in (
        (tmp_path / "film.mp4", "damaged, cut short"),
        (truncated(film(tmp_path / "half.mp4")), "damaged, cut short"),
        (only_sound(tmp_path / "song.mp4"), "only sound"),
    ):
        with pytest.raises(InputError, match=words):
            enlarge(path)
