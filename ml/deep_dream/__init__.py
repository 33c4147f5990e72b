"""A photo into which a network dreams what it knows."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import pydantic

from ml.classify import LITE0
from ml.core.example import Example
from ml.core.measures import Metric
from ml.core.operation import (
    Choice,
    Estimate,
    Facts,
    Group,
    Operation,
    Option,
    PictureParams,
    Slot,
    Trait,
    named,
)
from ml.core.text import _

Pattern = Literal["waves", "arches", "eyes", "animals", "ornament"]

PATTERNS: Mapping[Pattern, Option] = {
    "waves": Option(_("Waves")),
    "arches": Option(_("Arches")),
    "eyes": Option(_("Eyes")),
    "animals": Option(_("Animals")),
    "ornament": Option(_("Ornament")),
}
SIZE = 768
LARGEST_SIZE = 1536
SECONDS_PER_MEGAPIXEL = 1.6
"""Of a step at the size at which is dreamed, on two CPU cores."""


class DeepDreamParams(PictureParams):
    pattern: Pattern = Choice(
        "animals",
        PATTERNS,
        title=_("Pattern"),
        description=_("What is dreamed: the deeper the layer of the network, the more it is a thing."),
        pictures=True,
    )
    second: Pattern | None = pydantic.Field(
        None,
        title=_("Second pattern"),
        description=_("Another one to mix in."),
        json_schema_extra=named(PATTERNS),
    )
    strength: float = pydantic.Field(
        0.25,
        ge=0,
        le=1,
        title=_("Strength"),
        description=_("From a hint, at 0, to a photo that is hardly there any more, at 1."),
    )
    share: float = pydantic.Field(
        0.5,
        ge=0,
        le=1,
        title=_("How much of the second pattern"),
        description=_("0 is the first pattern alone, 1 the second."),
        json_schema_extra={"group": "fine-tuning"},
    )
    octaves: int = pydantic.Field(
        4,
        ge=1,
        le=8,
        title=_("Octaves"),
        description=_(
            "Sizes at which is dreamed, each 1.4 times the one before. More of them make larger figures."
        ),
        json_schema_extra={"group": "fine-tuning"},
    )
    color: float = pydantic.Field(
        0.5,
        ge=0,
        le=1,
        title=_("Colour"),
        description=_("From a dream in the photo's own colours, at 0, to the network's loud ones, at 1."),
        json_schema_extra={"group": "fine-tuning"},
    )
    size: int = pydantic.Field(
        SIZE,
        ge=128,
        le=LARGEST_SIZE,
        title=_("Size of the dream"),
        description=_(
            "Side of a square of as many pixels as are dreamed. A larger photo keeps its size and its own detail: the "
            "dream is enlarged and laid over it."
        ),
        json_schema_extra={"group": "fine-tuning", "unit": "px"},
    )


def steps(params: DeepDreamParams) -> int:
    """Steps in each octave."""
    return round(6 + 18 * params.strength)


def dream_size(width: int, height: int, size: int) -> tuple[int, int]:
    """Width and height at which is dreamed: at most `size` squared pixels, and never more than the photo has."""
    scale = min(1.0, size / math.sqrt(width * height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def estimate(params: DeepDreamParams, inputs: Mapping[str, Sequence[Facts]]) -> Estimate:
    """By the pixels of the dream and its steps; an octave costs half of the next larger one."""
    (picture,) = inputs["image"]
    width, height = dream_size(picture.width, picture.height, params.size)
    dreaming = SECONDS_PER_MEGAPIXEL * steps(params) * sum(0.51**octave for octave in range(params.octaves))
    seconds = 2 + dreaming * max(0.01, width * height / 1e6) + 0.5 * picture.megapixels
    return Estimate(seconds, picture.width, picture.height)


operation = Operation(
    slug="deep-dream",
    title=_("DeepDream"),
    summary=_("Let a network dream waves, eyes or animals into a photo."),
    group=Group.REIMAGINE,
    inputs=(
        Slot(name="image", title=_("Photo")),
        Slot(
            name="guide",
            title=_("Guide picture"),
            help=_("Dreams of what is on this one, where it can."),
            minimum=0,
        ),
    ),
    params=DeepDreamParams,
    estimate=estimate,
    run="ml.deep_dream.run:run",
    word="dream",
    accelerator="gpu-preferred",
    deadline_seconds=900,
    random=True,
    weights=(LITE0,),
    keeps=frozenset({Trait.ALPHA, Trait.DEPTH}),
    series=(Metric("answer", _("How strongly the network answers")),),
    example=Example("chelsea", shown_first=True),
)
