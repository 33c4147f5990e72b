"""Small videos, made by FFmpeg as cameras and phones make them."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.codec.context import Flags

from tests.ml.samples import photo

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
    times: list[float] | None = None,
    colors: list[tuple[int, int, int]] | None = None,
) -> Path:
    """A scene that moves by a pixel a frame, or plain colours; `times` are when each frame is shown."""
    width, height = size
    times = times or [index / 25 for index in range(count)]
    scene = photo(width + count, height)
    with av.open(path, "w") as container:
        container.metadata["title"] = container.metadata["location"] = SECRET
        pictures: Any = container.add_stream(codec)
        pictures.width, pictures.height, pictures.pix_fmt = width, height, pixel_format
        pictures.time_base = pictures.codec_context.time_base = Fraction(1, 1000)
        pictures.codec_context.flags |= Flags.frame_duration
        if rotation:
            pictures.set_display_rotation(rotation)
        heard: Any = container.add_stream(sound, rate=48_000, layout="mono") if sound else None
        for index, time in enumerate(times):
            pixels = scene[:, index : index + width]
            if colors:
                pixels = np.broadcast_to(np.array(colors[index], np.uint8), (height, width, 3))
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")
            frame.pts, frame.time_base = round(1000 * time), Fraction(1, 1000)
            container.mux(pictures.encode(frame))
        if heard:
            wave = np.sin(2 * np.pi * 440 * np.arange(round(48_000 * (times[-1] + 0.04))) / 48_000) * 0.3
            samples = av.AudioFrame.from_ndarray(wave.astype(np.float32)[None], "fltp", "mono")
            samples.sample_rate, samples.pts = 48_000, 0
            container.mux(heard.encode(samples))
            container.mux(heard.encode(None))
        container.mux(pictures.encode(None))
    return path


def only_sound(path: Path) -> Path:
    with av.open(path, "w") as container:
        heard: Any = container.add_stream("aac", rate=48_000, layout="mono")
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), "fltp", "mono")
        samples.sample_rate, samples.pts = 48_000, 0
        container.mux(heard.encode(samples))
        container.mux(heard.encode(None))
    return path
