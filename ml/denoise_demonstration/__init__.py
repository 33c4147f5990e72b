"""The classic demonstration of denoising: white pixels on a photo, and what three methods make of it."""

from collections.abc import Mapping, Sequence
from typing import Literal

import pydantic

from ml.core.example import Example
from ml.core.measures import NOISY_PSNR, NOISY_SSIM, PSNR, SECONDS, SSIM
from ml.core.operation import Choice, Estimate, Facts, Group, Operation, Option, PictureParams, Slot
from ml.core.text import _
from ml.denoise import DNCNN, SCORED_SECONDS_PER_MEGAPIXEL, SECONDS_PER_MEGAPIXEL

Single = Literal["dncnn", "nlm", "median"]
SINGLES: tuple[Single, ...] = ("dncnn", "nlm", "median")
Method = Literal["compare", Single]


class DemonstrationParams(PictureParams):
    method: Method = Choice(
        "compare",
        {
            "compare": Option(_("Compare"), _("All three, side by side")),
            "nlm": Option(_("Non-local means"), _("Averages patches that look alike")),
            "median": Option(_("Median"), _("Made for single wrong pixels")),
            "dncnn": Option(_("CNN"), _("Has learned Gaussian noise, which this is not")),
        },
        title=_("Method"),
        description=_("What takes the white pixels out again."),
    )
    pixels: int = pydantic.Field(
        3000,
        ge=0,
        le=10_000_000,
        title=_("White pixels"),
        description=_("How many times a place is drawn at random and made white; one may be drawn twice."),
    )
    sigma: float = pydantic.Field(
        30,
        ge=0,
        le=75,
        title=_("Noise level"),
        description=_(
            "What the methods are told, on the scale from 0 to 255. For white pixels no level is right: try some."
        ),
    )


def estimate(params: DemonstrationParams, inputs: Mapping[str, Sequence[Facts]]) -> Estimate:
    """By megapixels; every picture is scored, the noisy one too."""
    (picture,) = inputs["image"]
    methods = methods_of(params)
    rate = sum(SECONDS_PER_MEGAPIXEL[method] + 0.15 for method in methods)
    rate += (len(methods) + 1) * SCORED_SECONDS_PER_MEGAPIXEL
    return Estimate(1 + rate * picture.megapixels, picture.width, picture.height)


def methods_of(params: DemonstrationParams) -> Sequence[Single]:
    """Those that are shown."""
    return SINGLES if params.method == "compare" else (params.method,)


operation = Operation(
    slug="denoise-demonstration",
    title=_("Denoising, demonstrated"),
    summary=_(
        "3,000 white pixels on your photo, then non-local means, a median and a network side by side, each with its PSNR."
    ),
    group=Group.LABORATORY,
    inputs=(
        Slot(name="image", title=_("Picture"), help=_("A clean one: it is what the PSNR is measured by.")),
    ),
    params=DemonstrationParams,
    estimate=estimate,
    run="ml.denoise_demonstration.run:run",
    word="demonstration",
    left="noisy",
    version=2,
    accelerator="gpu-preferred",
    random=True,
    weights=(DNCNN,),
    also=("denoising-demonstration",),
    metrics=(PSNR, SSIM, SECONDS, NOISY_PSNR, NOISY_SSIM),
    example=Example("astronaut", before="noisy"),
)
