"""Taking noise out of pictures."""

from collections.abc import Mapping, Sequence
from typing import Literal

import pydantic

from ml.core.operation import Choice, Estimate, Facts, Operation, PictureParams, Slot
from ml.core.text import _

Method = Literal["nlm", "bilateral", "median", "gaussian"]

SECONDS_PER_MEGAPIXEL: Mapping[Method, float] = {"nlm": 1.5, "bilateral": 0.3, "median": 0.1, "gaussian": 0.1}
"""On two CPU cores."""


class DenoiseParams(PictureParams):
    method: Method = Choice(
        "nlm",
        {
            "nlm": _("Non-local means: averages patches that look alike"),
            "bilateral": _("Bilateral: averages neighbours of a similar colour"),
            "median": _("Median: for single wrong pixels"),
            "gaussian": _("Gaussian blur: the simplest, softens edges"),
        },
        title=_("Method"),
        description=_("How noise is told from detail."),
    )
    sigma: float | None = pydantic.Field(
        None,
        ge=0,
        le=75,
        title=_("Noise level"),
        description=_(
            "The noise's standard deviation on the scale from 0 to 255. Left out, it is estimated from the picture."
        ),
    )


def estimate(params: DenoiseParams, inputs: Mapping[str, Sequence[Facts]]) -> Estimate:
    """By megapixels: every method looks at each pixel's neighbourhood once."""
    (picture,) = inputs["image"]
    seconds = 1 + (SECONDS_PER_MEGAPIXEL[params.method] + 0.15) * picture.megapixels
    return Estimate(seconds, picture.width, picture.height)


operation = Operation(
    slug="denoise",
    title=_("Denoise"),
    summary=_("Take the noise out of a picture and leave the detail in."),
    inputs=(Slot(name="image", title=_("Picture")),),
    params=DenoiseParams,
    estimate=estimate,
    run="ml.denoising.run:run",
)
