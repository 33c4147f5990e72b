"""A file is decoded as large as its streams say, whatever its boxes and headers promise; so the streams are asked."""

import io
import os
import struct
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from PIL import Image

from jobs.intake import decoding, videos
from jobs.intake.av1 import sizes_in_avif
from jobs.intake.developed import Allowed, Order
from jobs.intake.replies import REPLIES, Refusal, Reply
from tests.jobs.hostile import picture
from tests.jobs.intake.received import GIANTS, SOUND, Send
from tests.ml.films import film

SIDE = 4096
LITTLE = 20_000_000
"""Bytes; a frame of that side has 25 million, and a decoder keeps several."""

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::UserWarning:PIL")]


def avif(*, frames: int = 1, said: int = 64, side: int = SIDE) -> bytes:
    """An AVIF of plain pictures, whose boxes say less than its stream."""
    pictures = [Image.new("RGB", (side, side), (40 * index, 90, 60)) for index in range(frames)]
    buffer = io.BytesIO()
    more = {"save_all": True, "append_images": pictures[1:], "duration": 50} if frames > 1 else {}
    pictures[0].save(buffer, "AVIF", speed=10, **more)
    content = buffer.getvalue()
    for layout, factor in ((">II", 1), (">II", 1 << 16), (">HH", 1)):  # ispe, tkhd, av01
        true, lie = (struct.pack(layout, each * factor, each * factor) for each in (side, said))
        content = content.replace(true, lie)
    return content


def webm(path: Path, side: int = SIDE, said: int = 0) -> bytes:
    """A WebM of one plain picture in VP9; its header may say another size."""
    with av.open(path, "w") as container:
        stream = container.add_stream(
            "libvpx-vp9", rate=25, options={"deadline": "realtime", "cpu-used": "8"}
        )
        stream.width, stream.height, stream.pix_fmt = side, side, "yuv420p"
        frame = av.VideoFrame(side, side, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([100]) * plane.buffer_size)
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    content = path.read_bytes()
    for name in (b"\xb0", b"\xba"):  # the width and the height of its track
        true = name + b"\x82" + struct.pack(">H", side)
        assert content.count(true) == 1
        content = content.replace(true, name + b"\x82" + struct.pack(">H", said or side))
    return content


def decoded_apart(content: bytes, small: bytes, folder: Path, megapixels: float = 40) -> tuple[Reply, int]:
    """What is replied, and how many bytes more it takes than a small file that has as much of the decoders loaded."""
    _, usual = _peak(small, folder, megapixels)
    reply, peak = _peak(content, folder, megapixels)
    return reply, peak - usual


def _peak(content: bytes, folder: Path, megapixels: float) -> tuple[Reply, int]:
    (folder / "source").write_bytes(content)
    (folder / "made").unlink(missing_ok=True)
    order = Order(folder / "source", folder / "made", Allowed(40, megapixels, folder))
    child = os.fork()
    if not child:
        try:
            (folder / "reply").write_bytes(REPLIES.dump_json(decoding.decode(order)))
        finally:
            os._exit(0)
    _, status, used = os.wait4(child, 0)
    assert status == 0
    return REPLIES.validate_json((folder / "reply").read_bytes()), 1024 * used.ru_maxrss


@pytest.mark.parametrize("frames", [1, 3])
def test_an_avif_is_as_large_as_its_stream(
    assert_refused: Callable[..., None], limit: Callable[..., None], tmp_path: Path, frames: int
) -> None:
    content = avif(frames=frames)
    with Image.open(io.BytesIO(content)) as said:
        assert said.size == (64, 64)

    reply, grown = decoded_apart(content, SOUND["avif"], tmp_path, megapixels=16)

    assert isinstance(reply, Refusal)
    assert grown < LITTLE, "no picture was decoded"
    limit(max_upload_megapixels=16)
    assert_refused(
        content,
        "too_many_pixels",
        "This picture has 4096 × 4096 pixels (16.8 megapixels); at most 16 megapixels can be sent. "
        "Make it smaller and try again.",
    )


def test_all_pictures_of_an_avif_count_as_large_as_in_its_stream(
    assert_refused: Callable[..., None], limit: Callable[..., None]
) -> None:
    limit(max_upload_megapixels=20)

    assert_refused(
        avif(frames=3),
        "too_many_frames",
        "This animation is too long: at most 1,000 frames and 40 megapixels in all can be sent. "
        "Make it shorter or smaller and try again.",
    )


def test_streams_say_their_size() -> None:
    for side in (1, 64, 333):
        assert set(sizes_in_avif(avif(side=side, said=side))) == {(side, side)}
    buffer = io.BytesIO()
    glass = picture().convert("RGBA")
    glass.putalpha(100)
    glass.save(buffer, "AVIF")
    assert list(sizes_in_avif(buffer.getvalue())) == [picture().size] * 2, "alpha is a stream of its own"


def test_a_webm_of_giant_pictures_is_refused_before_one_is_decoded(
    assert_refused: Callable[..., None], tmp_path: Path
) -> None:
    content = webm(tmp_path / "giant.webm")

    reply, grown = decoded_apart(content, webm(tmp_path / "small.webm", 256), tmp_path)

    assert isinstance(reply, Refusal)
    assert grown < LITTLE
    assert_refused(
        content,
        "too_many_pixels",
        "The pictures of this video have more than 9 megapixels. Make it smaller and try again.",
    )


def test_a_webm_that_says_less_than_it_holds_is_refused_before_it_is_decoded(
    assert_refused: Callable[..., None], tmp_path: Path
) -> None:
    content = webm(tmp_path / "liar.webm", said=640)

    reply, grown = decoded_apart(content, webm(tmp_path / "small.webm", 256), tmp_path)

    assert isinstance(reply, Refusal)
    assert grown < LITTLE


def test_a_picture_slightly_too_large_is_told_its_size(
    assert_refused: Callable[..., None], tmp_path: Path
) -> None:
    assert_refused(
        webm(tmp_path / "large.webm", 3040),
        "too_many_pixels",
        "The pictures of this video have 3040 × 3040 pixels; at most 9 megapixels can be sent. "
        "Make it smaller and try again.",
    )


# Sound ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sound", ["libopus", "flac", "aac", "mp3"])
def test_sound_may_be_as_long_as_pictures_and_no_longer(
    assert_refused: Callable[..., None], tmp_path: Path, sound: str
) -> None:
    content = with_sound(tmp_path / "long.mkv", sound, seconds=61)

    assert_refused(
        content,
        "too_long",
        "This video is too long: at most 60 seconds can be sent. Cut out the part you need.",
    )


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("sound", ["libopus", "flac", "aac", "mp3"])
def test_no_header_makes_sound_shorter(
    assert_refused: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sound: str
) -> None:
    monkeypatch.setattr(videos, "MOST_SECONDS", 2)
    monkeypatch.setattr(videos, "_check_header", lambda *_: None)

    assert_refused(
        with_sound(tmp_path / "liar.mkv", sound, seconds=3),
        "too_long",
        "This video is too long: at most 2 seconds can be sent. Cut out the part you need.",
    )


@pytest.mark.parametrize("sound", ["wavpack", "tta"])
def test_sound_of_a_rare_codec_is_left_out(send: Send, tmp_path: Path, sound: str) -> None:
    photo = send(with_sound(tmp_path / "rare.mkv", sound, seconds=1))

    assert "Its sound is coded in a way that we do not read, and was left out." in photo.note
    with photo.file.open() as stored, av.open(stored) as container:
        assert [stream.type for stream in container.streams] == ["video"]


@pytest.mark.parametrize("sound", ["aac", "mp2", "mp3", "libopus", "flac", "pcm_s16le", "ac3", "alac"])
def test_sound_that_people_have_is_kept(send: Send, tmp_path: Path, sound: str) -> None:
    photo = send(with_sound(tmp_path / "usual.mkv", sound, seconds=1))

    with photo.file.open() as stored, av.open(stored) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]


def with_sound(path: Path, codec: str, seconds: int) -> bytes:
    """A few pictures, and silence that is longer."""
    pictures = film(path.with_suffix(".mp4"), sound="")
    with av.open(pictures) as source, av.open(path, "w") as target:
        shown = target.add_stream_from_template(source.streams.video[0])
        heard = target.add_stream(codec, rate=48_000, layout="stereo")
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = shown
                target.mux(packet)
        size = heard.codec_context.frame_size or 4800
        for index in range(seconds * 48_000 // size):
            samples = av.AudioFrame(heard.codec_context.format.name, "stereo", size)
            for plane in samples.planes:
                plane.update(bytes(plane.buffer_size))
            samples.sample_rate, samples.pts = 48_000, index * size
            target.mux(heard.encode(samples))
        target.mux(heard.encode(None))
    return path.read_bytes()


def test_a_webp_is_asked_for_its_size_before_room_is_made_for_it(assert_refused: Callable[..., None]) -> None:
    assert_refused(
        GIANTS["webp"],
        "too_many_pixels",
        "This picture has 16384 × 16384 pixels (268.4 megapixels); at most 52 megapixels can be sent. "
        "Make it smaller and try again.",
    )
