"""Pictures in motion: the frames of an animation or a video, one at a time, and an MP4 made of frames.

PyAV decodes and encodes; of the web process only what takes a video in imports this.
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import av
import av.error
import numpy as np
from av.codec.context import Flags

from ml.core.colors import HEAD_BYTES as COLORS_BYTES
from ml.core.colors import colors_of, to_srgb
from ml.core.errors import InputError
from ml.core.formats import HEAD_BYTES, Kind, format_of
from ml.core.h273 import BT709
from ml.core.images import Picture, Pixels, flattened, from_pillow
from ml.core.messages import ONLY_SOUND, UNKNOWN_CODEC, VIDEO_CODEC, VIDEO_DAMAGED
from ml.core.operation import Facts
from ml.core.reading import frame_count, loaded, opened, read_picture
from ml.core.shown import Shown

DECODERS = {
    "h264", "hevc", "av1", "libdav1d", "vp8", "vp9", "mpeg4", "mjpeg", "h263", "prores", "mpeg1video", "mpeg2video",
}  # fmt: skip
COPIED_SOUND = {"aac", "mp3", "mp3float"}
"""What an MP4 may hold and every browser plays."""
SOUND_DECODERS = COPIED_SOUND | {
    "opus",
    "vorbis",
    "flac",
    "alac",
    "ac3",
    "eac3",
    "amrnb",
    "amrwb",
    "mp2",
    "mp2float",
}
"""And plain samples, whose decoders are named after their form."""

SHORTEST_DELAY, USUAL_DELAY = 0.02, 0.1
"""Seconds. An animation whose frames ask for less than the first is shown at the second, as in browsers."""
TICKS = 90_000  # a second of MP4's time
QUALITY = "17"  # x264's CRF: hardly to be told from the frames themselves
HIGHEST_RATE = 48_000  # samples a second
STUDIO_RANGE = 1  # by FFmpeg's code
UNTIMED = {"avi", "mpeg"}
"""FFmpeg's readers of formats that do not say when each packet is due; AVI counts pictures that it leaves out as well."""
READERS = {"mp4": "mov", "webm": "matroska", "avi": "avi", "mpeg": "mpeg"}
COVER = av.stream.Disposition.attached_pic


@dataclass(frozen=True)
class Frame:
    """A picture, and when and how long it is shown, in seconds."""

    picture: Picture
    start: float
    seconds: float


def is_video(path: Path) -> bool:
    with path.open("rb") as file:
        return reader(file.read(HEAD_BYTES)) is not None


def reader(head: bytes) -> str | None:
    """FFmpeg's reader for a video that begins so. It must not guess: others of its readers open further files."""
    found = format_of(head)
    return READERS.get(found.name) if found else None


def frames(path: Path) -> Iterator[Frame]:
    """All frames of a picture, an animation or a video, upright and in sRGB; raises `InputError`."""
    return _video_frames(path) if is_video(path) else _animation_frames(path)


def video_facts(path: Path) -> Facts:
    """What a video is, by its header; raises `InputError` where it is none or is of a kind that is not read."""
    with opened_video(path) as container:
        stream = pictures_of(container)
        # WebM does not say how many there are.
        count = stream.frames or sum(packet.size > 0 for packet in container.demux(stream))
        seconds = float(container.duration or 0) / av.time_base
    with opened_video(path) as container:
        width, height = shown(container, pictures_of(container)).size
    return Facts(Kind.VIDEO, width, height, max(count, 1), seconds)


def shown(container: Any, stream: Any) -> Shown:
    """How a film's pictures are meant to be seen, by the first; what follows is to be read from another opening."""
    first = next(container.decode(stream), None)
    if first is None:
        raise damaged()
    return Shown.of(stream, first)


def damaged() -> InputError:
    return InputError(VIDEO_DAMAGED)


@contextmanager
def opened_video(source: Path | IO[bytes], most_pixels: int | None = None) -> Iterator[Any]:
    """A video's container, opened to be read; what FFmpeg stumbles over becomes an `InputError`.

    No picture of more than `most_pixels` is decoded, whatever size the container promises.
    """
    if isinstance(source, Path):
        with source.open("rb") as file, opened_video(file, most_pixels) as container:
            yield container
        return
    found = reader(source.read(HEAD_BYTES))
    source.seek(0)
    options = {"max_pixels": str(most_pixels)} if most_pixels else {}
    try:
        with av.open(source, format=found, options=options, metadata_errors="ignore") as container:
            for stream in container.streams.video:
                if stream.codec_context:
                    stream.codec_context.options = options
            yield container
    except av.error.FFmpegError:
        raise damaged() from None


def pictures_of(container: Any) -> Any:
    """The stream of a video's pictures, ready to be decoded; raises `InputError`."""
    streams = [stream for stream in container.streams.video if not stream.disposition & COVER]
    if not streams:
        raise InputError(ONLY_SOUND)
    context = streams[0].codec_context
    if context is None or context.codec.name not in DECODERS:
        raise InputError(VIDEO_CODEC, codec=context.codec.long_name if context else UNKNOWN_CODEC)
    streams[0].thread_type = "AUTO"
    return streams[0]


def beginning_of(container: Any) -> float:
    """When the first of a film's streams begins, in seconds: MPEG begins its time anywhere."""
    return max(0.0, float(container.start_time or 0) / av.time_base)


def sound_of(container: Any) -> Any:
    """The first stream of a video's sound, where there is one that is read here; else None."""
    found = container.streams.audio[0] if container.streams.audio else None
    if found is None or found.codec_context is None:
        return None
    name = found.codec_context.name
    return found if name in SOUND_DECODERS or name.startswith("pcm_") else None


def poster(source: IO[bytes]) -> Picture:
    """The first picture of a video."""
    with opened_video(source) as container:
        stream = pictures_of(container)
        first = next(container.decode(stream), None)
        if first is None:
            raise damaged()
        return Shown.of(stream, first).picture(first)


def _video_frames(path: Path) -> Iterator[Frame]:
    with opened_video(path) as container:
        stream = pictures_of(container)
        usual = float(1 / stream.average_rate) if stream.average_rate else 1 / 25
        waiting: tuple[Picture, float] | None = None
        seen: Shown | None = None
        beginning = beginning_of(container)
        for frame in container.decode(stream):
            # Where time stands still or is unknown, it goes on by a usual frame.
            start = frame.time - beginning if frame.time is not None else 0.0
            if waiting:
                start = max(start, waiting[1] + usual / 100)
                yield Frame(*waiting, start - waiting[1])
            seen = seen or Shown.of(stream, frame)
            waiting = seen.picture(frame), start
        if waiting:
            yield Frame(*waiting, usual)


def _animation_frames(path: Path) -> Iterator[Frame]:
    with opened(path) as image:
        count = frame_count(image)
        if count == 1:
            yield Frame(read_picture(path), 0.0, USUAL_DELAY)
            return
        with path.open("rb") as file:
            colors = colors_of(image, file.read(COLORS_BYTES))
        start = 0.0
        # The default picture of an APNG is shown by whoever cannot play it, and is no frame.
        for index in range(1 if image.info.get("default_image") else 0, count):
            image.seek(index)
            pixels = loaded(image)  # of a WebP, a frame's time is known with its pixels
            delay = float(image.info.get("duration") or 0) / 1000
            seconds = delay if delay >= SHORTEST_DELAY else USUAL_DELAY
            yield Frame(from_pillow(to_srgb(pixels, colors).copy()), start, seconds)
            start += seconds


class VideoWriter:
    """An MP4 of H.264 with the sound of `source`, where there is one that has any. Frames are added each at its time.

    Used as a context manager; the file is whole when that ends without an error.
    """

    def __init__(self, path: Path, source: Path | None = None) -> None:
        self._source = source
        self._exits = ExitStack()
        options = {"movflags": "faststart", "fflags": "bitexact"}
        self._container: Any = self._exits.enter_context(av.open(path, "w", format="mp4", options=options))
        self._pictures: Any = None
        self._sound: Sound | None = None
        self._packets: Iterator[Any] = iter(())
        self._heard = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._exits:
            if kind is None and self._pictures:
                self._container.mux(self._pictures.encode())
                self._add_sound(math.inf)

    def add(self, frame: Frame) -> None:
        """The next frame; transparency is laid on white."""
        picture = flattened(frame.picture)
        if self._pictures is None:
            self._begin(picture.width, picture.height)
        encoded = to_video_frame(picture.rgb(), frame.start)
        encoded.duration = max(1, round(frame.seconds * TICKS))
        self._container.mux(self._pictures.encode(encoded))
        self._add_sound(frame.start + frame.seconds)

    def _begin(self, width: int, height: int) -> None:
        """Streams must be known before the first frame is written."""
        self._pictures = picture_stream(self._container, width, height, QUALITY)
        if self._source and is_video(self._source):
            source = self._exits.enter_context(opened_video(self._source))
            if sound := sound_of(source):
                self._sound = Sound(sound, self._container, beginning_of(source))
                self._packets = source.demux(sound)

    def _add_sound(self, until: float) -> None:
        """What is heard until then, so that the file can be played while it is loaded."""
        while self._sound and self._heard < until and (packet := next(self._packets, None)):
            if packet.pts is not None:
                self._heard = float(packet.pts * packet.time_base)
            self._sound.take(packet)


def picture_stream(container: Any, width: int, height: int, quality: str) -> Any:
    """A stream of H.264 as every browser plays it, for frames of that size as `to_video_frame` makes them."""
    stream = container.add_stream("libx264", options={"crf": quality, "preset": "fast"})
    stream.width, stream.height, stream.pix_fmt = even(width), even(height), "yuv420p"
    stream.time_base = stream.codec_context.time_base = Fraction(1, TICKS)
    context = stream.codec_context
    context.colorspace = context.color_primaries = context.color_trc = BT709
    context.color_range = STUDIO_RANGE
    context.flags |= Flags.frame_duration
    return stream


def to_video_frame(pixels: Pixels, start: float) -> Any:
    """Of RGB (H, W, 3), uint8; an odd last row or column is there twice, as H.264 asks for even sides."""
    height, width = pixels.shape[:2]
    pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    converted = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24").reformat(
        format="yuv420p", dst_colorspace="ITU709", src_color_range="JPEG", dst_color_range="MPEG"
    )
    converted.pts, converted.time_base = round(start * TICKS), Fraction(1, TICKS)
    return converted


def even(length: int) -> int:
    """The least even number that is no smaller."""
    return length + length % 2


class Sound:
    """A stream of sound in an MP4: as the source has it where that may be, else coded anew as AAC."""

    seconds = 0.0
    """How long it has lasted."""

    def __init__(self, source: Any, container: Any, beginning: float) -> None:
        """Of a film whose time begins there, in seconds."""
        self._container, self._beginning = container, beginning
        timed = source.container.format.name not in UNTIMED
        self._copied = timed and source.codec_context.name in COPIED_SOUND
        if self._copied:
            self._stream = container.add_stream_from_template(source)
            self._stream.metadata.clear()
        else:
            rate = min(source.codec_context.sample_rate, HIGHEST_RATE)
            self._stream = container.add_stream("aac", rate=rate, layout="stereo")

    def take(self, packet: Any) -> None:
        """The next packet of the source; the last that it gives is empty."""
        if not self._copied:
            for frame in packet.decode():
                self.seconds += frame.samples / frame.sample_rate
                if frame.pts is not None:
                    frame.pts -= round(self._beginning / frame.time_base)
                self._container.mux(self._stream.encode(frame))
            if not packet.size:
                self._container.mux(self._stream.encode(None))
        elif packet.dts is not None:
            packet.dts -= round(self._beginning / packet.time_base)
            packet.pts -= round(self._beginning / packet.time_base)
            self.seconds = float((packet.dts + (packet.duration or 0)) * packet.time_base)
            packet.stream = self._stream
            self._container.mux(packet)
