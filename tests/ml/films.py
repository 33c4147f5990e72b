"""Small videos, made by FFmpeg as cameras and phones make them."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.codec.context import Flags

from tests.ml.samples import photo

BT2020 = 9
SECRET = "a place nobody should know"


def film(
    path: Path,
    *,
    count: int = 6,
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    sound: str = "aac",
    rotation: int = 0,
    still: np.ndarray | None = None,
    pixel_shape: Fraction | None = None,
    h273: tuple[int, int] | None = None,
    clock: int = 1000,
    options: dict[str, str] | None = None,
    times: list[float] | None = None,
    colors: list[tuple[int, int, int]] | None = None,
) -> Path:
    """A scene that moves by a pixel a frame, plain colours, or a `still` (H, W, 3), uint8 or uint16.

    `times` are when each frame is shown, `pixel_shape` is the width of a pixel by its height, `h273` are the primaries
    and the curve that the film says it has; its matrix is BT.2020's then. `clock` is how often it ticks a second.
    """
    width, height = size
    times = times or [index / 25 for index in range(count)]
    scene = photo(width + count, height)
    with av.open(path, "w") as container:
        container.metadata["title"] = container.metadata["location"] = SECRET
        pictures: Any = container.add_stream(codec, options=options or {})
        pictures.width, pictures.height, pictures.pix_fmt = width, height, pixel_format
        pictures.time_base = pictures.codec_context.time_base = Fraction(1, clock)
        pictures.codec_context.flags |= Flags.frame_duration
        if pixel_shape:
            pictures.codec_context.sample_aspect_ratio = pixel_shape
        if h273:
            context = pictures.codec_context
            context.color_primaries, context.color_trc, context.colorspace = *h273, BT2020
        if rotation:
            pictures.set_display_rotation(rotation)
        heard: Any = container.add_stream(sound, rate=48_000, layout="mono") if sound else None
        for index, time in enumerate(times):
            pixels = scene[:, index : index + width]
            if colors:
                pixels = np.broadcast_to(np.array(colors[index], np.uint8), (height, width, 3))
            if still is not None:
                pixels = still
            frame = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(pixels), "rgb24" if pixels.dtype == np.uint8 else "rgb48le"
            )
            if h273:
                frame = frame.reformat(format=pixel_format, dst_colorspace=BT2020, dst_color_range="MPEG")
            frame.pts, frame.time_base = round(clock * time), Fraction(1, clock)
            container.mux(pictures.encode(frame))
        if heard:
            wave = np.sin(2 * np.pi * 440 * np.arange(round(48_000 * (times[-1] + 0.04))) / 48_000) * 0.3
            samples = av.AudioFrame.from_ndarray(wave.astype(np.float32)[None], "fltp", "mono")
            samples.sample_rate, samples.pts = 48_000, 0
            container.mux(heard.encode(samples))
            container.mux(heard.encode(None))
        container.mux(pictures.encode(None))
    return path


def mirrored(path: Path) -> Path:
    """A film whose display matrix mirrors it from left to right (ISO/IEC 14496-12, 8.3.2)."""
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 44
    assert data[place : place + 4] == b"\0\1\0\0"
    data[place : place + 4] = b"\xff\xff\0\0"
    path.write_bytes(data)
    return path


def only_sound(path: Path) -> Path:
    with av.open(path, "w") as container:
        heard: Any = container.add_stream("aac", rate=48_000, layout="mono")
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), "fltp", "mono")
        samples.sample_rate, samples.pts = 48_000, 0
        container.mux(heard.encode(samples))
        container.mux(heard.encode(None))
    return path
