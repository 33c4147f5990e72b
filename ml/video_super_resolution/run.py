"""A video, frame by frame: one is decoded, enlarged and encoded before the next, so that memory is that of a photo."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from ml.burst_super_resolution.fusion import View, fuse
from ml.burst_super_resolution.registration import STILL, luminance, register
from ml.core.context import Context, Inputs, Result, ResultFile
from ml.core.files import facts
from ml.core.formats import FORMATS
from ml.core.frame_by_frame import FramePart
from ml.core.frames import Frame, VideoWriter, frames
from ml.core.images import Picture, flattened
from ml.super_resolution.run import enlarge, weights_of
from ml.video_super_resolution import WINDOW, VideoParams


def run(inputs: Inputs, params: VideoParams, context: Context) -> Result:
    """The film in the slot `video`, enlarged, as `video`, an MP4 with its sound. The metric `frames` counts them."""
    (source,) = inputs["video"]
    count = facts(source).frames
    path = context.scratch / "video.mp4"
    done = 0
    with VideoWriter(path, source) as writer:
        for frame, neighbours in windows(frames(source), WINDOW // 2 if params.method == "burst" else 0):
            part = FramePart(context, done, max(count, done + 1))
            part.advance(0)
            if params.method == "burst":
                enlarged = fused(frame, neighbours, params.scale, part)
            else:
                enlarged = enlarge(frame.picture, params.method, params.scale, part)
            writer.add(replace(frame, picture=enlarged))
            context.preview(enlarged)
            done += 1
    weights = () if params.method == "burst" else weights_of(params.method, params.scale)
    return Result(
        files={"video": ResultFile(path, FORMATS["mp4"])},
        metrics={"frames": done},
        weights=tuple(each.name for each in weights),
        engine=weights[0].engine if weights else "scipy" if params.method == "burst" else "pillow",
    )


def windows(film: Iterable[Frame], reach: int) -> Iterator[tuple[Frame, Sequence[Frame]]]:
    """Each frame with up to `reach` of those before it and as many of those after it."""
    film = iter(film)
    before: deque[Frame] = deque(maxlen=reach)
    after = deque(islice(film, reach + 1))
    while after:
        frame = after.popleft()
        yield frame, [*before, *after]
        before.append(frame)
        after.extend(islice(film, 1))


def fused(frame: Frame, neighbours: Sequence[Frame], scale: int, context: Context) -> Picture:
    """A frame with what its neighbours add to it; after a cut there is none that fits."""
    first, *others = (flattened(each.picture).rgb() for each in (frame, *neighbours))
    views = [View.registered(first, STILL, first)]
    for other in others:
        if other.shape == first.shape:
            motion = register(luminance(first), luminance(other), context)
            views += [View.registered(other, motion, first)] if motion.fits else []
    return Picture(fuse(views, scale, context, lambda fraction, _fused: context.progress(fraction)))
