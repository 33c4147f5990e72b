"""How far two pictures are apart."""

from collections.abc import Mapping, Sequence

import pydantic

from ml.comparison.messages import SIZES_DIFFER
from ml.core.errors import InputError
from ml.core.example import Example
from ml.core.measures import PSNR, SSIM, Metric
from ml.core.operation import Estimate, Facts, FineTuning, Group, Operation, PictureParams, Shows, Slot
from ml.core.text import _

SECONDS_PER_MEGAPIXEL = 0.9
"""On two CPU cores; nearly all of it is SSIM, on RGB and on Y."""


class ComparisonParams(PictureParams):
    resample: bool = pydantic.Field(
        False,
        title=_("Resample"),
        description=_(
            "Where the sizes differ, bring the picture to the size of the reference first, by the bicubic filter."
        ),
    )
    amplification: float | None = FineTuning(
        None,
        title=_("Amplification"),
        description=_(
            "How many times brighter than it is a difference is drawn. Left out, the strongest differences just "
            "reach the brightest colour."
        ),
        ge=1,
        le=255,
    )


def estimate(params: ComparisonParams, inputs: Mapping[str, Sequence[Facts]]) -> Estimate:
    """By the megapixels of the reference; raises `InputError` where the sizes differ and must not."""
    (image,), (reference,) = inputs["image"], inputs["reference"]
    if not params.resample and (image.width, image.height) != (reference.width, reference.height):
        raise InputError(
            SIZES_DIFFER,
            width=image.width,
            height=image.height,
            other_width=reference.width,
            other_height=reference.height,
        )
    seconds = 0.5 + SECONDS_PER_MEGAPIXEL * reference.megapixels + 0.2 * image.megapixels
    return Estimate(seconds, reference.width, reference.height)


operation = Operation(
    slug="comparison",
    title=_("Comparison"),
    summary=_("Measure how far two pictures are apart (PSNR, SSIM, MSE), and see where."),
    group=Group.LABORATORY,
    inputs=(
        Slot(name="image", title=_("Picture"), help=_("The one to be judged.")),
        Slot(
            name="reference",
            title=_("Reference"),
            help=_("What it should look like. Transparent parts of both are laid on white."),
        ),
    ),
    params=ComparisonParams,
    estimate=estimate,
    run="ml.comparison.run:run",
    word="compared",
    shows=Shows.INPUTS,
    keeps=frozenset(),
    metrics=(
        PSNR,
        SSIM,
        Metric("mse", _("MSE")),
        Metric("psnr_y", _("PSNR of the luminance"), "dB", ".2f"),
        Metric("ssim_y", _("SSIM of the luminance"), "", ".4f"),
        Metric("mse_y", _("MSE of the luminance")),
        Metric("largest_difference", _("Largest difference, of 255")),
        Metric("amplification", _("Amplification of the map")),
    ),
    example=Example("coffee", noisy=True, others={"reference": Example("coffee")}),
)
