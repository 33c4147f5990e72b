"""Faces of people who do not exist."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pydantic

from ml.core.cards import trained
from ml.core.operation import Choice, Estimate, Facts, Operation, PictureParams
from ml.core.sheets import sheet_size
from ml.core.text import _

Action = Literal["sample", "interpolate"]

FACES = trained(
    "gan",
    "gan-faces",
    title=_("Faces"),
    summary=_(
        "The generator of a small adversarial network: gray faces of 64 pixels, drawn from 96 random numbers."
    ),
    paper="Radford et al., “Unsupervised Representation Learning with Deep Convolutional GANs”, ICLR 2016; "
    "Miyato et al., “Spectral Normalization for GANs”, ICLR 2018",
    licence=_("Trained on Labeled Faces in the Wild, which is for research."),
    origin=_("Trained by this project: python -m ml train gan-faces"),
)
GAP = 2


def _for(*actions: Action, **extra: Any) -> dict[str, Any]:
    """The schema of a field that matters for some actions only."""
    return {"when": {"action": list(actions)}, **extra}


class GanParams(PictureParams):
    action: Action = Choice(
        "sample",
        {
            "sample": _("Draw: a sheet of faces"),
            "interpolate": _("Walk: from one face to the next, and back to the first"),
        },
        title=_("What to do"),
        description=_("None of the faces is of anybody."),
    )
    count: int = pydantic.Field(
        64,
        ge=1,
        le=144,
        title=_("Faces"),
        description=_("How many to draw."),
        json_schema_extra=_for("sample"),
    )
    stations: int = pydantic.Field(
        6,
        ge=2,
        le=12,
        title=_("Faces on the way"),
        description=_("Each row of the sheet leads from one to the next."),
        json_schema_extra=_for("interpolate"),
    )
    steps: int = pydantic.Field(
        8,
        ge=2,
        le=16,
        title=_("Steps"),
        description=_("From one face to the next."),
        json_schema_extra=_for("interpolate"),
    )
    truncation: float = pydantic.Field(
        0.8,
        ge=0,
        le=1,
        title=_("Truncation"),
        description=_("How far the random numbers reach: less gives more usual faces, 1 the most variety."),
    )


def shape(params: GanParams) -> tuple[int, int]:
    """Columns and rows of the sheet."""
    if params.action == "interpolate":
        return params.steps, params.stations
    columns = math.ceil(math.sqrt(params.count))
    return columns, math.ceil(params.count / columns)


def estimate(params: GanParams, inputs: Mapping[str, Sequence[Facts]]) -> Estimate:
    """A second or two, by the number of faces."""
    columns, rows = shape(params)
    return Estimate(1 + 0.02 * columns * rows, *sheet_size(columns, rows, GAP))


operation = Operation(
    slug="gan-sample",
    title=_("Draw faces"),
    summary=_("Faces of people who do not exist, drawn by a network that learned to deceive another one."),
    inputs=(),
    params=GanParams,
    estimate=estimate,
    run="ml.gan.run:run",
    random=True,
    weights=(FACES,),
)
