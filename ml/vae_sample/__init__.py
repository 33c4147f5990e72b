"""Handwritten digits from a learned space."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pydantic

from ml.core.errors import InputError
from ml.core.example import Example
from ml.core.measures import PSNR
from ml.core.model_cards import trained
from ml.core.operation import Choice, Estimate, Facts, Group, Operation, Option, PictureParams, Shows, Slot
from ml.core.sheets import sheet_size
from ml.core.text import _
from ml.vae_sample.messages import NOTHING_TO_COPY

Action = Literal["sample", "manifold", "interpolate", "reconstruct"]
Method = Literal["vae-16", "vae-2", "autoencoder"]

PACKAGE = "vae_sample"
PAPER = "Kingma and Welling, “Auto-Encoding Variational Bayes”, ICLR 2014"
LICENCE = _("Trained on MNIST, which is CC BY-SA 3.0.")
WEIGHTS = {
    "vae-16": trained(
        PACKAGE,
        "vae-16",
        title=_("Digits in 16 dimensions"),
        summary=_(
            "A convolutional variational autoencoder: sharp digits, of which each value is one of many traits."
        ),
        paper=PAPER,
        licence=LICENCE,
        origin=_("Trained by this project: python -m ml train vae-16"),
    ),
    "vae-2": trained(
        PACKAGE,
        "vae-2",
        title=_("Digits on a plane"),
        summary=_("The same with a code of two numbers only, so that all it knows can be seen on one sheet."),
        paper=PAPER,
        licence=LICENCE,
        origin=_("Trained by this project: python -m ml train vae-2"),
    ),
    "autoencoder": trained(
        PACKAGE,
        "autoencoder",
        title=_("Digits, plain autoencoder"),
        summary=_(
            "As large as the first, but not variational: it can copy, and what it invents is often no digit."
        ),
        paper="Hinton and Salakhutdinov, “Reducing the Dimensionality of Data with Neural Networks”, Science 2006",
        licence=LICENCE,
        origin=_("Trained by this project: python -m ml train autoencoder"),
    ),
}
GAP = 2
RECONSTRUCTED_SIDE = 448


def _for(*actions: Action, **extra: Any) -> dict[str, Any]:
    """The schema of a field that matters for some actions only."""
    return {"when": {"action": list(actions)}, **extra}


class VaeParams(PictureParams):
    action: Action = Choice(
        "sample",
        {
            "sample": Option(_("Draw"), _("Digits that nobody wrote")),
            "manifold": Option(_("Walk"), _("How they change across the learned space")),
            "interpolate": Option(_("From one to another"), _("Two digits and what lies between")),
            "reconstruct": Option(_("Copy"), _("Your digit, out of its code")),
        },
        title=_("What to do"),
        description=_("What the network draws."),
    )
    method: Method = Choice(
        "vae-16",
        {
            "vae-16": Option(_("Variational, 16 numbers"), _("The sharper digits")),
            "vae-2": Option(_("Variational, 2 numbers"), _("A space that fits on a sheet")),
            "autoencoder": Option(
                _("Plain autoencoder, 16 numbers"), _("To see what “variational” is good for")
            ),
        },
        title=_("Method"),
        description=_("The network, and of how many numbers a digit's code consists."),
    )
    count: int = pydantic.Field(
        64,
        ge=1,
        le=400,
        title=_("Digits"),
        description=_("How many to draw."),
        json_schema_extra=_for("sample"),
    )
    spread: float = pydantic.Field(
        1.0,
        ge=0,
        le=2,
        title=_("Spread"),
        description=_("Standard deviation of the codes: below 1 the digits are more usual, above 1 odder."),
        json_schema_extra=_for("sample"),
    )
    side: int = pydantic.Field(
        20,
        ge=2,
        le=40,
        title=_("Digits a side"),
        description=_(
            "Of the square sheet. With 2 numbers it shows the whole plane, with 16 what lies between four drawn digits."
        ),
        json_schema_extra=_for("manifold"),
    )
    first: int = pydantic.Field(
        3,
        ge=0,
        le=9,
        title=_("From the digit"),
        description=_("Where you give no picture of one."),
        json_schema_extra=_for("interpolate"),
    )
    second: int = pydantic.Field(
        8,
        ge=0,
        le=9,
        title=_("To the digit"),
        description=_("Where you give no second picture."),
        json_schema_extra=_for("interpolate"),
    )
    steps: int = pydantic.Field(
        16,
        ge=3,
        le=64,
        title=_("Steps"),
        description=_("From the one to the other."),
        json_schema_extra=_for("interpolate"),
    )


def columns(count: int) -> int:
    """Of a sheet of so many digits."""
    return math.ceil(math.sqrt(count))


def estimate(params: VaeParams, inputs: Mapping[str, Sequence[Facts]]) -> Estimate:
    """A second or two for a sheet of digits; raises `InputError` where there is nothing to copy."""
    given = [*inputs.get("image", ()), *inputs.get("other", ())]
    if params.action == "reconstruct" and not given:
        raise InputError(NOTHING_TO_COPY)
    seconds = 1 + 0.2 * sum(picture.megapixels for picture in given)
    if params.action == "reconstruct":
        return Estimate(seconds, RECONSTRUCTED_SIDE, RECONSTRUCTED_SIDE)
    count = {"sample": params.count, "manifold": params.side**2, "interpolate": params.steps}[params.action]
    across = columns(count)
    return Estimate(seconds + 0.005 * count, *sheet_size(across, math.ceil(count / across), GAP))


operation = Operation(
    slug="vae-sample",
    title=_("Draw digits"),
    summary=_(
        "Handwritten digits that nobody wrote, from a variational autoencoder, and the space they come from."
    ),
    group=Group.LABORATORY,
    inputs=(
        Slot(
            name="image",
            title=_("Digit"),
            help=_("For a copy, or to start from: one digit, dark on light or light on dark."),
            minimum=0,
        ),
        Slot(name="other", title=_("Another digit"), help=_("To end with."), minimum=0),
    ),
    params=VaeParams,
    estimate=estimate,
    run="ml.vae_sample.run:run",
    word="drawn-digits",
    random=True,
    weights=tuple(WEIGHTS.values()),
    shows=Shows.SHEET,
    metrics=(PSNR,),
    example=Example(params={"action": "manifold", "method": "vae-2", "side": 16}),
)
