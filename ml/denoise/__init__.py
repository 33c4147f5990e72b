"""Taking noise out of pictures."""

from collections.abc import Mapping, Sequence
from typing import Literal

import pydantic

from ml.core.errors import InputError
from ml.core.example import Example
from ml.core.measures import PSNR, SECONDS, SSIM, Metric
from ml.core.model_cards import trained
from ml.core.operation import Choice, Estimate, Facts, Group, Operation, Option, PictureParams, Slot
from ml.core.text import _
from ml.denoise.messages import TOO_LARGE_TO_COMPARE

Single = Literal["dncnn", "nlm", "bilateral", "median", "gaussian"]
Method = Literal[Single, "compare"]
# BM3D is not among them: the one library of it that is kept up, bm3d, may not be used commercially.

SECONDS_PER_MEGAPIXEL: Mapping[Single, float] = {
    "dncnn": 1.8,
    "nlm": 1.5,
    "bilateral": 0.3,
    "median": 0.1,
    "gaussian": 0.1,
}
"""On two CPU cores; the most faithful method first."""
SCORED_SECONDS_PER_MEGAPIXEL = 0.9
LARGEST_COMPARED = 50
"""Megapixels: `compare` holds the result of every method in memory."""

DNCNN = trained(
    "denoise",
    "dncnn",
    title="dncnn",
    summary=_(
        "A small residual U-Net that is told the noise level: one network for all levels, colour and gray."
    ),
    paper="Zhang et al., “FFDNet: Toward a Fast and Flexible Solution for CNN-Based Image Denoising”, TIP 2018; and “Beyond a Gaussian Denoiser: Residual Learning of Deep CNN for Image Denoising”, TIP 2017",
    licence=_(
        "Trained on t91, which is for research, and BSDS500, which is for non-commercial research and education."
    ),
    origin=_("Trained by this project: python -m ml train dncnn"),
)


class DenoiseParams(PictureParams):
    method: Method = Choice(
        "dncnn",
        {
            "dncnn": Option(_("CNN"), _("A network that has learned what noise is")),
            "nlm": Option(_("Non-local means"), _("Averages patches that look alike")),
            "bilateral": Option(_("Bilateral"), _("Averages neighbours of a similar colour")),
            "median": Option(_("Median"), _("For single wrong pixels")),
            "gaussian": Option(_("Gaussian blur"), _("The simplest, softens edges")),
            "compare": Option(_("Compare"), _("All of them, side by side")),
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
    """By megapixels; raises `InputError` where there is too much to compare."""
    (picture,) = inputs["image"]
    methods = list(SECONDS_PER_MEGAPIXEL) if params.method == "compare" else [params.method]
    if len(methods) > 1 and picture.megapixels > LARGEST_COMPARED:
        raise InputError(TOO_LARGE_TO_COMPARE, limit=LARGEST_COMPARED, size=picture.megapixels)
    rate = sum(SECONDS_PER_MEGAPIXEL[method] + 0.15 for method in methods)
    if inputs.get("reference"):
        rate += len(methods) * SCORED_SECONDS_PER_MEGAPIXEL
    return Estimate(1 + rate * picture.megapixels, picture.width, picture.height)


operation = Operation(
    slug="denoise",
    title=_("Denoise"),
    summary=_("Take the noise out of a picture and leave the detail in."),
    group=Group.IMPROVE,
    inputs=(
        Slot(name="image", title=_("Picture")),
        Slot(
            name="reference",
            title=_("Reference"),
            help=_("The same picture without noise, to measure by (PSNR and SSIM)."),
            minimum=0,
            fine_tuning=True,
            same_size_as="image",
        ),
    ),
    params=DenoiseParams,
    estimate=estimate,
    run="ml.denoise.run:run",
    word="denoised",
    version=2,
    accelerator="gpu-preferred",
    weights=(DNCNN,),
    metrics=(PSNR, SSIM, SECONDS, Metric("sigma", _("Noise level, of 255"))),
    example=Example("coffee", noisy=True, others={"reference": Example("coffee")}, shown_first=True),
)
