"""Faces of people who do not exist, and digits that nobody wrote."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pydantic

from ml.core.example import Example
from ml.core.model_cards import trained
from ml.core.operation import Choice, Estimate, Facts, Group, Operation, Option, PictureParams, Shows
from ml.core.sheets import sheet_size
from ml.core.text import _
from ml.core.weights import Weights

Method = Literal["faces", "digits"]
Action = Literal["sample", "interpolate"]

WEIGHTS: Mapping[Method, Weights] = {
    "faces": trained(
        "gan_sample",
        "gan-faces",
        title=_("Faces"),
        summary=_(
            "The generator of a small adversarial network: gray faces of 64 pixels, drawn from 96 random numbers."
        ),
        paper="Radford et al., “Unsupervised Representation Learning with Deep Convolutional GANs”, ICLR 2016; "
        "Miyato et al., “Spectral Normalization for GANs”, ICLR 2018",
        licence=_("Trained on Labeled Faces in the Wild, which is for research."),
        origin=_("Trained by this project: python -m ml train gan-faces"),
    ),
    "digits": trained(
        "gan_sample",
        "gan-digits",
        title=_("Digits on demand"),
        summary=_(
            "The generator of a class-conditional adversarial network: the digit that was asked for, drawn from 32 "
            "random numbers."
        ),
        paper="Mirza and Osindero, “Conditional Generative Adversarial Nets”, 2014; "
        "Miyato and Koyama, “cGANs with Projection Discriminator”, ICLR 2018",
        licence=_("Trained on MNIST, which is CC BY-SA 3.0."),
        origin=_("Trained by this project: python -m ml train gan-digits"),
    ),
}
DIGITS = 10
GAP = 2


def _for(*actions: Action, **extra: Any) -> dict[str, Any]:
    """The schema of a field that matters for some actions only."""
    return {"when": {"action": list(actions)}, **extra}


class GanParams(PictureParams):
    method: Method = Choice(
        "faces",
        {"faces": Option(_("Faces")), "digits": Option(_("Digits"))},
        title=_("What to draw"),
        description=_("None of the faces is of anybody, and nobody wrote the digits."),
    )
    action: Action = Choice(
        "sample",
        {
            "sample": Option(_("Draw"), _("A sheet of them")),
            "interpolate": Option(_("Walk"), _("From one to the next, and back to the first")),
        },
        title=_("What to do"),
        description=_("A walk comes as a film, too."),
    )
    digit: int | None = pydantic.Field(
        None,
        ge=0,
        le=DIGITS - 1,
        title=_("Digit"),
        description=_("Which one, from 0 to 9. Left out, it is one after the other."),
        json_schema_extra={"when": {"method": ["digits"]}},
    )
    count: int = pydantic.Field(
        64,
        ge=1,
        le=144,
        title=_("How many"),
        description=_("Faces or digits on the sheet."),
        json_schema_extra=_for("sample"),
    )
    stations: int = pydantic.Field(
        6,
        ge=2,
        le=12,
        title=_("Stations"),
        description=_("Each row of the sheet leads from one to the next."),
        json_schema_extra=_for("interpolate"),
    )
    steps: int = pydantic.Field(
        8,
        ge=2,
        le=16,
        title=_("Steps"),
        description=_("From one station to the next."),
        json_schema_extra=_for("interpolate"),
    )
    truncation: float = pydantic.Field(
        0.8,
        ge=0,
        le=1,
        title=_("Truncation"),
        description=_(
            "How far the random numbers reach: less gives more usual pictures, 1 the most variety."
        ),
    )


def shape(params: GanParams) -> tuple[int, int]:
    """Columns and rows of the sheet."""
    if params.action == "interpolate":
        return params.steps, params.stations
    columns = math.ceil(math.sqrt(params.count))
    if params.method == "digits" and params.digit is None:
        columns = min(DIGITS, params.count)
    return columns, math.ceil(params.count / columns)


def estimate(params: GanParams, inputs: Mapping[str, Sequence[Facts]]) -> Estimate:
    """A second or two, by the number of pictures."""
    columns, rows = shape(params)
    return Estimate(1 + 0.02 * columns * rows, *sheet_size(columns, rows, GAP))


operation = Operation(
    slug="gan-sample",
    title=_("Draw faces and digits"),
    summary=_(
        "Faces of people who do not exist, or digits that nobody wrote, by a network that learned to deceive another."
    ),
    group=Group.LABORATORY,
    inputs=(),
    params=GanParams,
    estimate=estimate,
    run="ml.gan_sample.run:run",
    word=lambda params: f"drawn-{params.get('method', 'faces')}",
    random=True,
    weights=tuple(WEIGHTS.values()),
    shows=Shows.SHEET,
    example=Example(params={"count": 24}),
)
