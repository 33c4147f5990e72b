"""A burst: its frames are gathered, registered and fused; those that do not fit are left out and named."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml.burst_super_resolution import BurstParams, common_size
from ml.burst_super_resolution.fusion import View, fuse
from ml.burst_super_resolution.messages import (
    ALIGNING,
    FUSING,
    HAS_ANOTHER_SIZE,
    NO_FRAME_FITS,
    READING,
    SHOWS_SOMETHING_ELSE,
)
from ml.burst_super_resolution.registration import STILL, Motion, luminance, register
from ml.core.context import Context, Inputs, Label, Result
from ml.core.errors import InputError
from ml.core.files import facts
from ml.core.frames import frames
from ml.core.images import Picture, Pixels, visible_color
from ml.core.resize import resize

REFERENCES = 3
"""So many of the first frames are tried as the reference, where most of the others do not fit the first."""

GATHERED, REGISTERED = 0.05, 0.2
"""How much of the run is done by then."""
PREVIEW_SIDE, PREVIEW_SECONDS = 768, 0.5


@dataclass(frozen=True)
class Numbered:
    """A frame, counted from 1 as a person does. Its pixels, `color` (H, W, 1 or 3) and `alpha`, lie in files."""

    number: int
    color: Pixels
    alpha: Pixels | None


def run(inputs: Inputs, params: BurstParams, context: Context) -> Result:
    """The frames in the slot `frames`, fused into `image`: the first that others fit, enlarged.

    Metrics are `frames_used` and `frames_left_out`. Each frame left out is a label that says why; its score is its
    correlation with the first.
    """
    gathered, left_out = gather(inputs, params.most_frames, context)
    reference, motions = align(gathered, context)
    fitting = [index for index, motion in enumerate(motions) if motion.fits]
    if len(fitting) < 2:
        raise InputError(NO_FRAME_FITS)
    for frame, motion in zip(gathered, motions, strict=True):
        if not motion.fits:
            sentence = SHOWS_SOMETHING_ELSE(number=frame.number)
            left_out[frame.number] = Label(sentence, max(0.0, motion.agreement))

    first = gathered[reference]
    channels = max(gathered[index].color.shape[2] for index in fitting)
    views = [
        View.registered(
            colored(gathered[index].color, channels), motions[index], colored(first.color, channels)
        )
        for index in sorted(fitting, key=lambda index: index != reference)
    ]
    fused = fuse(views, params.scale, context, Report(context))
    alpha = None
    if first.alpha is not None:
        alpha = resize(Picture(np.array(first.alpha)), fused.shape[1], fused.shape[0]).pixels
    return Result(
        images={"image": Picture.join(fused, alpha)},
        metrics={"frames_used": len(fitting), "frames_left_out": len(left_out)},
        labels=[left_out[number] for number in sorted(left_out)],
        engine="scipy",
    )


def gather(inputs: Inputs, most: int, context: Context) -> tuple[list[Numbered], dict[int, Label]]:
    """The first `most` frames of the size that most have, and by number those before them of other sizes."""
    paths = inputs["frames"]
    known = [facts(path) for path in paths]
    size, count = common_size(known), sum(each.frames for each in known)
    gathered: list[Numbered] = []
    left_out: dict[int, Label] = {}
    pictures = (frame.picture for path in paths for frame in frames(path))
    for number, picture in enumerate(pictures, start=1):
        context.advance(GATHERED * number / max(count, number), READING)
        if (picture.width, picture.height) == size:
            gathered.append(_kept(number, picture, context))
        else:
            sentence = HAS_ANOTHER_SIZE(number=number)
            left_out[number] = Label(sentence, 0.0)
        if len(gathered) == most:
            break
    return gathered, left_out


def _kept(number: int, picture: Picture, context: Context) -> Numbered:
    """In files rather than in memory, where 32 large photos may not fit."""

    def filed(name: str, pixels: Pixels) -> Pixels:
        path = context.scratch / f"frame-{number}-{name}.npy"
        np.save(path, pixels)
        kept: Pixels = np.load(path, mmap_mode="r")
        return kept

    alpha = picture.alpha
    return Numbered(
        number,
        filed("color", visible_color(picture)),
        None if alpha is None else filed("alpha", alpha),
    )


def align(gathered: Sequence[Numbered], context: Context) -> tuple[int, list[Motion]]:
    """The index of the reference, and each frame's motion from it.

    The first, unless fewer than half of the others fit it and one of the next is fitted by more.
    """
    best: tuple[int, list[Motion]] = (0, [])
    for reference in range(min(REFERENCES, len(gathered))):
        wanted = luminance(gathered[reference].color)
        motions = []
        for index, frame in enumerate(gathered):
            done = (index + 1) / len(gathered)
            context.advance(GATHERED + (REGISTERED - GATHERED) * done, ALIGNING)
            motions.append(STILL if index == reference else register(wanted, luminance(frame.color), context))
        if not best[1] or _fitting(motions) > _fitting(best[1]):
            best = reference, motions
        if _fitting(best[1]) > len(gathered) / 2:
            break
    return best


def _fitting(motions: Sequence[Motion]) -> int:
    return sum(motion.fits for motion in motions)


def colored(color: Pixels, channels: int) -> Pixels:
    """Gray as RGB, where the others are in colour."""
    return color if color.shape[2] == channels else np.repeat(color, channels, axis=2)


class Report:
    """Tells of the fusion: how far it is, and how it looks so far."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._shown = time.monotonic()

    def __call__(self, fraction: float, fused: Pixels) -> None:
        self._context.progress(REGISTERED + (1 - REGISTERED) * fraction, FUSING)
        if time.monotonic() - self._shown >= PREVIEW_SECONDS:
            self._shown = time.monotonic()
            self._context.preview(Picture(fused).thumbnail(PREVIEW_SIDE))
