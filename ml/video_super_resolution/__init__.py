"""Animations and short videos, enlarged frame by frame."""

from collections.abc import Mapping, Sequence
from typing import Literal

from ml.burst_super_resolution import (
    SECONDS_PER_ENLARGED_MEGAPIXEL,
    SECONDS_PER_FRAME_MEGAPIXEL,
    SMALLEST_SIDE,
)
from ml.core.errors import InputError
from ml.core.example import Example
from ml.core.formats import FORMATS, Kind
from ml.core.measures import Metric
from ml.core.operation import Choice, Estimate, Facts, Group, Operation, Option, Params, Shows, Slot
from ml.core.text import _
from ml.super_resolution import FSRCNN, LATENT_SR, REAL_ESRGAN_COMPACT, TILES
from ml.video_super_resolution.messages import FRAMES_TOO_LARGE, FRAMES_TOO_SMALL

LONGEST_SIDE = FORMATS["mp4"].longest_side

WINDOW = 5
"""With the method `burst`, so many frames make one: it, two before and two after."""

SECONDS_PER_ENCODED_MEGAPIXEL = 0.12
"""Of decoding, conversion and x264 on two cores, by the result."""


class VideoParams(Params):
    method: Literal["fsrcnn", "latent-sr", "real-esrgan-compact", "burst", "bicubic"] = Choice(
        "fsrcnn",
        {
            "fsrcnn": Option(_("FSRCNN"), _("True to the picture, very fast")),
            "latent-sr": Option(_("latent-sr"), _("A little better, slower")),
            "real-esrgan-compact": Option(_("Real-ESRGAN compact"), _("Clean edges, a drawn look, slow")),
            "burst": Option(
                _("Burst"), _("Each frame gains from its neighbours, slow; for noisy films of still scenes")
            ),
            "bicubic": Option(_("Bicubic"), _("No network, soft")),
        },
        title=_("Method"),
        description=_("How the missing detail is found."),
    )
    scale: Literal[2, 3, 4] = Choice(
        2,
        {"2": Option("2x"), "3": Option("3x"), "4": Option("4x")},
        title=_("Scale"),
        description=_("How many times as wide and high."),
    )


def estimate(params: VideoParams, inputs: Mapping[str, Sequence[Facts]]) -> Estimate:
    """By the frames, each of which costs what a photo of its size does; raises `InputError` for what cannot be."""
    (film,) = inputs["video"]
    width, height = film.width * params.scale, film.height * params.scale
    if max(width, height) > LONGEST_SIDE:
        raise InputError(FRAMES_TOO_LARGE, side=max(width, height), limit=LONGEST_SIDE)
    if params.method == "burst":
        if min(film.width, film.height) < SMALLEST_SIDE:
            raise InputError(FRAMES_TOO_SMALL)
        rate = WINDOW * SECONDS_PER_FRAME_MEGAPIXEL + params.scale**2 * SECONDS_PER_ENLARGED_MEGAPIXEL
        frame = rate * film.megapixels
    else:
        frame = TILES[params.method].seconds(film.width, film.height, params.scale)
    encoding = SECONDS_PER_ENCODED_MEGAPIXEL * width * height / 1e6
    return Estimate(2 + film.frames * (frame + encoding), width, height)


operation = Operation(
    slug="video-super-resolution",
    title=_("Video super-resolution"),
    summary=_("Enlarge an animation or a short video two to four times, its sound kept."),
    group=Group.IMPROVE,
    inputs=(
        Slot(
            name="video",
            title=_("Video"),
            help=_("A short MP4, MOV or WebM, or an animated GIF, WebP or PNG. The result is an MP4."),
            accepts=frozenset({Kind.ANIMATION, Kind.VIDEO}),
        ),
    ),
    params=VideoParams,
    estimate=estimate,
    run="ml.video_super_resolution.run:run",
    word=lambda params: f"{params.get('scale', 2)}x",
    accelerator="gpu-preferred",
    deadline_seconds=3600,
    weights=(LATENT_SR, FSRCNN, REAL_ESRGAN_COMPACT),
    result="video",
    gives=Kind.VIDEO,
    shows=Shows.VIDEO,
    metrics=(Metric("frames", _("Frames")),),
    example=Example("coffee", {"method": "burst", "scale": 2}, crop=(180, 60, 480, 260), frames=6),
)
