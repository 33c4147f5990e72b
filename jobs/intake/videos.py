"""Short videos as uploads: decoded in full, and put into a new MP4 of nothing but pictures and sound.

H.264 that every browser plays is copied without its supplementary data, and so is AAC; all else is coded anew. No
title, no place, no chapters, no subtitles and no further tracks survive.
"""

from collections.abc import Sequence
from tempfile import TemporaryFile
from typing import IO, Any, Protocol

import av
from av.bitstream import BitStreamFilterContext

from jobs.errors import Refused
from jobs.intake.developed import Allowed, Developed
from jobs.messages import (
    ALPHA_LEFT_OUT,
    CHANGING_SIZE,
    CODED_ANEW,
    SOUND_LEFT_OUT,
    TOO_LONG,
    TOO_MANY_VIDEO_FRAMES,
    VIDEO_FAR_TOO_LARGE,
    VIDEO_TOO_LARGE,
)
from ml.core.formats import Kind
from ml.core.frames import (
    UNTIMED,
    Sound,
    beginning_of,
    damaged,
    even,
    opened_video,
    picture_stream,
    pictures_of,
    shown,
    sound_of,
    to_video_frame,
)
from ml.core.images import mean_color
from ml.core.messages import FROM_HIGH_RANGE
from ml.core.shown import Shown
from ml.core.text import Message

MOST_SECONDS, MOST_FRAMES = 60, 1800
MOST_MEGAPIXELS = 9.0
"""Of a frame; 4K has 8.3."""
ALIGNMENT = 1.1
"""So much larger than what is shown may be what is coded, in whole blocks."""
MOST_MEGAPIXELS_IN_ALL = 1500.0
"""Of all frames: 24 seconds of Full HD, a minute of 1280 by 720. To decode more would keep a thread busy for long."""

COPIED = {"yuv420p", "yuvj420p"}  # the pixel formats of H.264 that every browser plays
WITHOUT_MESSAGES = (
    "filter_units=remove_types=6|12|24-31"  # supplementary information, filler, unspecified units
)
QUALITY = "18"


def receive_video(file: IO[bytes], allowed: Allowed) -> Developed:
    """A video, decoded and put into a new MP4; raises `Refused` or `InputError`."""
    most = round(MOST_MEGAPIXELS * ALIGNMENT * 1e6)
    with opened_video(file, most) as source:
        pictures = pictures_of(source)
        _check_header(source, pictures)
        seen = shown(source, pictures)
    _check_pixels(*seen.size, 1)
    made = TemporaryFile(dir=allowed.folder)  # noqa: SIM115 (closed by whoever stores it)
    try:
        file.seek(0)
        with opened_video(file, most) as source:
            return _remade(source, seen, made)
    except BaseException:
        made.close()
        raise


def _remade(source: Any, seen: Shown, made: IO[bytes]) -> Developed:
    pictures, heard = pictures_of(source), sound_of(source)
    film = Film(source, pictures, seen)
    with av.open(made, "w", format="mp4", options={"fflags": "bitexact"}) as target:
        sink: Sink = Copy(pictures, film, target) if film.plays_everywhere else Encoding(film, target)
        sound = Sound(heard, target, beginning_of(source)) if heard else None
        for packet in source.demux([pictures, heard] if heard else [pictures]):
            if packet.stream is pictures:
                sink.take(packet, film.take(packet))
            elif sound:
                sound.take(packet)
                _check_length(sound.seconds)
    return film.developed(made, _notes(source, film, heard))


def _notes(source: Any, film: "Film", heard: Any) -> tuple[Message, ...]:
    said = (
        (CODED_ANEW, not film.plays_everywhere),
        (FROM_HIGH_RANGE, film.seen.high_range is not None),
        (ALPHA_LEFT_OUT, film.transparent),
        (SOUND_LEFT_OUT, bool(source.streams.audio) and not heard),
    )
    return tuple(message for message, applies in said if applies)


class Film:
    """The pictures of a video, checked as they come."""

    def __init__(self, source: Any, stream: Any, seen: Shown) -> None:
        context = stream.codec_context
        self.seen = seen
        self.beginning = beginning_of(source)
        # Of an AVI whose pictures are not coded in their order, FFmpeg tells no times that can be used.
        self._evenly = source.format.name == "avi" and stream.average_rate
        self._timed = source.format.name not in UNTIMED
        self._stream = stream
        self._codec = context.codec.name
        self._size = (context.width, context.height)
        self._packets = self._frames = 0
        self._seconds = 0.0
        self._color = ""

    @property
    def upright_size(self) -> tuple[int, int]:
        """Of what is stored."""
        width, height = self.seen.size
        return (width, height) if self.plays_everywhere else (even(width), even(height))

    @property
    def plays_everywhere(self) -> bool:
        usual = self._codec == "h264" and self._stream.codec_context.pix_fmt in COPIED
        return usual and self._timed and not self.seen.high_range

    @property
    def transparent(self) -> bool:
        """Whether it has an alpha, which no film has that plays everywhere."""
        named = self._stream.codec_context.pix_fmt or ""
        return self._stream.metadata.get("alpha_mode") == "1" or named.startswith(("yuva", "gbrap", "rgba"))

    def take(self, packet: Any) -> list[Any]:
        """The frames of the next packet; the last one is empty, and what was held back comes of it."""
        self._packets += packet.size > 0
        frames = list(packet.decode())
        for frame in frames:
            if (frame.width, frame.height) != self._size:
                raise Refused(CHANGING_SIZE)
            if not self._frames:
                self._color = mean_color(self.seen.picture(frame))
            self._frames += 1
            self._seconds = max(self._seconds, self.start_of(frame, self._frames - 1))
            _check_length(self._seconds)
            _check_pixels(*self.seen.size, self._frames)
        return frames

    def start_of(self, frame: Any, index: int) -> float:
        """When the frame of that number is shown, in seconds."""
        if self._evenly:
            return index / float(self._stream.average_rate)
        return max(0.0, (frame.time or 0.0) - self.beginning)

    def developed(self, made: IO[bytes], notes: tuple[Message, ...]) -> Developed:
        """Raises `InputError` where frames are missing of those that the header promises."""
        if not self._frames or (self._timed and self._packets < self._stream.frames):
            raise damaged()
        rate = float(self._stream.average_rate or 25)
        return Developed(
            made,
            Kind.VIDEO,
            "mp4",
            *self.upright_size,
            self._color,
            self._frames,
            self._seconds + 1 / rate,
            notes,
        )


class Sink(Protocol):
    """Where the pictures go."""

    def take(self, packet: Any, frames: Sequence[Any]) -> None:
        """A packet of the source, the last of which is empty, and the frames that it gave."""


class Copy:
    """The pictures as they are coded, without the messages between them."""

    def __init__(self, source: Any, film: Film, target: Any) -> None:
        self._target = target
        self._earlier = round(film.beginning / source.time_base)
        self._stream = target.add_stream_from_template(source)
        self._stream.metadata.clear()
        self._filter = BitStreamFilterContext(WITHOUT_MESSAGES, source, self._stream)

    def take(self, packet: Any, frames: Sequence[Any]) -> None:
        for kept in self._filter.filter(packet if packet.size else None):
            kept.pts, kept.dts = self._since_beginning(kept.pts), self._since_beginning(kept.dts)
            kept.stream = self._stream
            self._target.mux(kept)

    def _since_beginning(self, at: int | None) -> int | None:
        return None if at is None else at - self._earlier


class Encoding:
    """The pictures coded anew, upright, with 8 bits and even sides."""

    def __init__(self, film: Film, target: Any) -> None:
        self._film, self._target, self._count = film, target, 0
        self._stream = picture_stream(target, *film.upright_size, QUALITY)

    def take(self, packet: Any, frames: Sequence[Any]) -> None:
        for frame in frames:
            encoded = to_video_frame(
                self._film.seen.picture(frame).pixels, self._film.start_of(frame, self._count)
            )
            self._count += 1
            self._target.mux(self._stream.encode(encoded))
        if not packet.size:
            self._target.mux(self._stream.encode(None))


def _check_header(source: Any, stream: Any) -> None:
    """Before a frame is decoded."""
    _check_length(float(source.duration or 0) / av.time_base)
    _check_length(float(stream.duration * stream.time_base) if stream.duration else 0.0)
    width, height = stream.codec_context.width, stream.codec_context.height
    if not (width and height):  # FFmpeg forgets a size that it may not decode
        raise Refused(VIDEO_FAR_TOO_LARGE(limit=MOST_MEGAPIXELS), code="too_many_pixels")
    _check_pixels(width, height, max(stream.frames, 1))


def _check_length(seconds: float) -> None:
    if seconds > MOST_SECONDS:
        raise Refused(TOO_LONG(limit=MOST_SECONDS))


def _check_pixels(width: int, height: int, frames: int) -> None:
    megapixels = width * height / 1e6
    if megapixels > MOST_MEGAPIXELS:
        raise Refused(
            VIDEO_TOO_LARGE(width=width, height=height, limit=MOST_MEGAPIXELS), code="too_many_pixels"
        )
    if frames > MOST_FRAMES or frames * megapixels > MOST_MEGAPIXELS_IN_ALL:
        raise Refused(
            TOO_MANY_VIDEO_FRAMES(frames=MOST_FRAMES, limit=MOST_MEGAPIXELS_IN_ALL), code="too_many_frames"
        )
