"""One picture of more pixels, less noise and real detail, from many frames of a scene."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from ml.burst_super_resolution.messages import FRAMES_DIFFER, FRAMES_TOO_SMALL, ONE_FRAME
from ml.core.errors import InputError
from ml.core.example import Example
from ml.core.formats import Kind
from ml.core.measures import Metric
from ml.core.operation import (
    Choice,
    Estimate,
    Facts,
    FineTuning,
    Group,
    Operation,
    Option,
    PictureParams,
    Slot,
)
from ml.core.text import _

MOST_FRAMES = 32
SMALLEST_SIDE = 16
"""Pixels below which there is too little to register frames by."""

SECONDS_PER_FRAME_MEGAPIXEL = 3.5
"""Of registration and reconstruction, for each megapixel of each frame (python -m benchmarks.burst --seconds)."""
SECONDS_PER_ENLARGED_MEGAPIXEL = 2.2


class BurstParams(PictureParams):
    scale: Literal[2, 3, 4] = Choice(
        2,
        {"2": Option("2x"), "3": Option("3x"), "4": Option("4x")},
        title=_("Scale"),
        description=_("How many times as wide and high. 3x needs some ten frames to be worth it."),
    )
    most_frames: int = FineTuning(
        16,
        title=_("Most frames"),
        description=_("More than so many are not used; the first ones are. More take longer."),
        ge=2,
        le=MOST_FRAMES,
    )


def common_size(inputs: Sequence[Facts]) -> tuple[int, int]:
    """Width and height that most frames have; of equally many, those of the first."""
    sizes = Counter[tuple[int, int]]()
    for facts in inputs:
        sizes[facts.width, facts.height] += facts.frames
    return sizes.most_common(1)[0][0]


def estimate(params: BurstParams, inputs: Mapping[str, Sequence[Facts]]) -> Estimate:
    """By all pixels of the frames that have one size; raises `InputError` where fewer than two have."""
    width, height = common_size(inputs["frames"])
    fitting = sum(
        facts.frames for facts in inputs["frames"] if (facts.width, facts.height) == (width, height)
    )
    if sum(facts.frames for facts in inputs["frames"]) < 2:
        raise InputError(ONE_FRAME)
    if fitting < 2:
        raise InputError(FRAMES_DIFFER)
    if min(width, height) < SMALLEST_SIDE:
        raise InputError(FRAMES_TOO_SMALL, side=SMALLEST_SIDE)
    frames, megapixels = min(fitting, params.most_frames), width * height / 1e6
    enlarged = megapixels * params.scale**2
    seconds = (
        2 + megapixels * frames * SECONDS_PER_FRAME_MEGAPIXEL + enlarged * SECONDS_PER_ENLARGED_MEGAPIXEL
    )
    return Estimate(seconds, width * params.scale, height * params.scale)


operation = Operation(
    slug="burst-super-resolution",
    title=_("Burst super-resolution"),
    summary=_("Many photos of one scene become one that is larger, sharper and less noisy than each."),
    group=Group.IMPROVE,
    inputs=(
        Slot(
            name="frames",
            title=_("Frames"),
            help=_(
                "2 to 32 photos taken in a row from one place, by hand rather than from a tripod: it is the small "
                "shifts between them that hold the detail. Or one animation or short video. The first is the one "
                "that is enlarged; those that do not fit it are left out and named."
            ),
            accepts=frozenset({Kind.IMAGE, Kind.ANIMATION, Kind.VIDEO}),
            maximum=MOST_FRAMES,
        ),
    ),
    params=BurstParams,
    estimate=estimate,
    run="ml.burst_super_resolution.run:run",
    word="merged",
    deadline_seconds=1800,
    metrics=(
        Metric("frames_used", _("Frames used")),
        Metric("frames_left_out", _("Frames left out")),
    ),
    example=Example("chelsea", {"scale": 2}, crop=(60, 30, 320, 204), frames=16),
)
