"""Videos as uploads: each becomes a clean MP4, or one sentence and nothing else."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from jobs.errors import Refused
from jobs.intake import receive, videos
from jobs.models import Asset, Job, Owner
from jobs.queue import lifecycle
from jobs.web.presenters.picture import PicturePresenter
from jobs.work import runner
from ml.core.files import facts
from ml.core.formats import Kind
from tests.ml.films import SECRET, film, only_sound
from tests.support import submit_one

Send = Callable[[Path], Asset]
DAMAGED = "This video is damaged, cut short or protected against copying. Export or download it again."


@pytest.fixture
def send(visitor: Owner, folders: tuple[Path, Path]) -> Send:
    return lambda path: receive.receive(visitor, SimpleUploadedFile(path.name, path.read_bytes()))


@pytest.fixture
def assert_refused(send: Send, folders: tuple[Path, Path]) -> Callable[[Path, str], None]:
    """The file is refused with a sentence that has these words, and nothing is left of it."""

    def check(path: Path, words: str) -> None:
        with pytest.raises(Refused, match=words) as refusal:
            send(path)
        assert refusal.value.status == 422
        assert str(refusal.value).endswith(".")
        assert not [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        assert not Asset.objects.exists()

    return check


def content_of(photo: Asset) -> bytes:
    with photo.file.open() as file:
        return bytes(file.read())


def opened(photo: Asset) -> Any:
    return av.open(io.BytesIO(content_of(photo)))


def test_it_takes_a_video_with_its_sound(send: Send, tmp_path: Path) -> None:
    photo = send(film(tmp_path / "film.mp4", count=10))

    assert (photo.kind, photo.format, photo.width, photo.height, photo.frames) == ("video", "mp4", 64, 48, 10)
    assert photo.seconds == pytest.approx(0.4, abs=0.01)
    assert photo.facts.kind is Kind.VIDEO
    assert photo.color != "#808080"
    with opened(photo) as stored:
        assert [stream.codec_context.name for stream in stored.streams] == ["h264", "aac"]
        assert sum(1 for _frame in stored.decode(video=0)) == 10


def test_nothing_but_pictures_and_sound_survives(send: Send, tmp_path: Path) -> None:
    source = film(tmp_path / "film.mov")
    assert SECRET.encode() in source.read_bytes()
    assert b"x264" in source.read_bytes()

    photo = send(source)

    assert SECRET.encode() not in content_of(photo)
    assert b"x264" not in content_of(photo)
    with opened(photo) as stored:
        assert not {"title", "location", "comment", "creation_time"} & stored.metadata.keys()


def test_pictures_that_play_everywhere_are_not_coded_anew(send: Send, tmp_path: Path) -> None:
    source = film(tmp_path / "film.mp4")

    with av.open(source) as before, opened(send(source)) as after:
        pairs = zip(before.decode(video=0), after.decode(video=0), strict=True)
        assert all((a.to_ndarray() == b.to_ndarray()).all() and a.time == b.time for a, b in pairs)


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "sound"),
    [
        ("film.webm", "libvpx-vp9", "yuv420p", "libopus"),
        ("film.mkv", "libx264", "yuv444p", "aac"),
        ("film.mp4", "mpeg4", "yuv420p", ""),
        ("film.mov", "libx264", "yuv420p10le", "pcm_s16le"),
    ],
)
def test_other_videos_are_coded_anew(
    send: Send, tmp_path: Path, name: str, codec: str, pixel_format: str, sound: str
) -> None:
    photo = send(film(tmp_path / name, codec=codec, pixel_format=pixel_format, sound=sound))

    assert photo.note == "Coded anew as H.264, which every browser plays."
    assert photo.frames == 6
    with opened(photo) as stored:
        context = stored.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert [stream.codec_context.name for stream in stored.streams.audio] == (["aac"] if sound else [])


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_a_phone_s_video_is_upright(send: Send, tmp_path: Path, codec: str) -> None:
    photo = send(film(tmp_path / "film.mp4", codec=codec, rotation=90))

    assert (photo.width, photo.height) == (48, 64)
    stored = tmp_path / "stored.mp4"
    stored.write_bytes(content_of(photo))
    assert (facts(stored).width, facts(stored).height) == (48, 64)


def test_a_video_that_is_none_is_refused(assert_refused: Callable[..., None], tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    for content in (
        b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(100),
        b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + b"<html>" * 500,
        b"\x1aE\xdf\xa3" + bytes(1000),
    ):
        path.write_bytes(content)
        assert_refused(path, DAMAGED)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("faststart", [True, False])
def test_a_truncated_video_is_refused(
    assert_refused: Callable[..., None], tmp_path: Path, part: float, faststart: bool
) -> None:
    path = film(tmp_path / "film.mp4", count=30, size=(128, 96), sound="")
    if faststart:
        front = tmp_path / "front.mp4"
        with av.open(path) as source, av.open(front, "w", options={"movflags": "faststart"}) as target:
            stream = target.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    target.mux(packet)
        path = front
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    assert_refused(path, DAMAGED)


def test_sound_alone_is_refused(assert_refused: Callable[..., None], tmp_path: Path) -> None:
    assert_refused(only_sound(tmp_path / "song.mp4"), "no moving pictures, only sound")


def test_an_unknown_codec_is_refused(assert_refused: Callable[..., None], tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", sound="")
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    assert_refused(path, "coded in a way we cannot read")


@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [
        ("MOST_SECONDS", 0.1, "too long: at most 0.1 seconds"),
        ("MOST_FRAMES", 5, "too long for its size: at most 5 pictures"),
        ("MOST_MEGAPIXELS", 0.001, "have (64 × 48 pixels|more than 0.001 megapixels)"),
        ("MOST_MEGAPIXELS_IN_ALL", 0.01, "0.01 megapixels in all"),
    ],
)
@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("name", ["film.mp4", "film.webm"])
def test_a_video_beyond_a_limit_is_refused(
    assert_refused: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    limit: str,
    value: float,
    words: str,
    name: str,
) -> None:
    codec = "libx264" if name == "film.mp4" else "libvpx-vp9"
    monkeypatch.setattr(videos, limit, value)
    assert_refused(film(tmp_path / name, codec=codec, sound=""), words)


@pytest.mark.slow
def test_a_video_has_a_poster_and_is_played_in_ranges(
    send: Send, tmp_path: Path, client: Client, visitor: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = send(film(tmp_path / "film.mp4", size=(640, 480), count=2))
    monkeypatch.setattr("jobs.access.visibility.owner_of", lambda _request: visitor)
    shown = PicturePresenter.of(photo)

    poster = client.get(shown.thumbnail)
    part = client.get(shown.url, headers={"range": "bytes=0-99"})

    assert Image.open(io.BytesIO(poster.content)).size == (512, 384)
    assert poster["Content-Type"] == "image/webp"
    assert (part.status_code, part["Content-Type"], part["Content-Length"]) == (206, "video/mp4", "100")
    assert shown.is_video
    assert f"{shown.url} " not in shown.srcset


# The whole way -------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis", "real_operations")
def test_a_video_goes_in_and_a_larger_one_is_on_the_page_of_the_job(client: Client, tmp_path: Path) -> None:
    content = film(tmp_path / "film.mov", count=3).read_bytes()
    sent = client.post("/photos", {"file": SimpleUploadedFile("film.mov", content)})
    photo = Asset.objects.uploaded().get()
    choice = client.get(sent["Location"]).content.decode()
    form = client.get(f"/new/video-super-resolution?photo={photo.id}").content.decode()
    started = client.post(
        "/new/video-super-resolution", {"slot-video": str(photo.id), "method": "bicubic", "scale": "3"}
    )
    job = Job.objects.get()
    claim = lifecycle.claim(job.queue)
    assert claim
    runner.run(claim)

    page = client.get(started["Location"]).content.decode()
    output = Asset.objects.made().get()
    assert f'<video src="/files/photos/{photo.id}"' in choice
    assert f'<video src="/files/photos/{photo.id}"' in form
    assert f'<video src="/files/outputs/{output.id}"' in page
    served = client.get(f"/files/outputs/{output.id}")
    assert served["Content-Type"] == "video/mp4"
    kept = tmp_path / "result.mp4"
    kept.write_bytes(served.getvalue())  # type: ignore[attr-defined]
    assert (facts(kept).width, facts(kept).height, facts(kept).frames) == (192, 144, 3)


@pytest.mark.usefixtures("real_operations")
def test_what_would_take_too_long_is_refused_before_it_waits(
    send: Send, tmp_path: Path, visitor: Owner
) -> None:
    photo = send(film(tmp_path / "film.mp4"))
    photo.width, photo.height, photo.frames = 1920, 1080, 720
    with pytest.raises(Refused, match="minutes here, and the limit is 60"):
        submit_one(visitor, "video-super-resolution", {"method": "burst"}, {"video": [photo]})
    assert not Job.objects.exists()
