"""Taking noise out of pictures."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pydantic

from ml.core.errors import InputError
from ml.core.example import Example
from ml.core.measures import PSNR, SECONDS, SSIM, Metric
from ml.core.model_cards import trained
from ml.core.operation import Choice, Estimate, Facts, Group, Operation, Option, PictureParams, Slot
from ml.core.text import _
from ml.core.weights import Weights
from ml.denoise.messages import TOO_LARGE_TO_COMPARE

Single = Literal["camera", "jpeg", "dncnn", "nlm", "bilateral", "median", "gaussian"]
Method = Literal[Single, "compare"]
# BM3D is not among them: the one library of it that is kept up, bm3d, may not be used commercially.

SECONDS_PER_MEGAPIXEL: Mapping[Single, float] = {
    "camera": 1.8,
    "jpeg": 1.8,
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

PACKAGE = "denoise"
TRAINED_ON = _(
    "Trained on t91, which is for research, and BSDS500, which is for non-commercial research and education."
)
CAMERA = trained(
    PACKAGE,
    "camera-noise",
    title="camera-noise",
    summary=_(
        "Our own: the network of dncnn, trained blind on the noise of sensors, spread by demosaicing and resizing, "
        "then JPEG."
    ),
    paper="Guo et al., “Toward Convolutional Blind Denoising of Real Photographs”, CVPR 2019, for the noise; and Zhang et al., “Plug-and-Play Image Restoration with Deep Denoiser Prior”, TPAMI 2021, for the network",
    licence=TRAINED_ON,
    origin=_("Trained by this project: python -m ml train camera-noise"),
)
JPEG = trained(
    PACKAGE,
    "jpeg-artefacts",
    title="jpeg-artefacts",
    summary=_("Our own: the network of dncnn, trained blind on JPEGs of every quality."),
    paper="Dong et al., “Compression Artifacts Reduction by a Deep Convolutional Network”, ICCV 2015, for the task; and Zhang et al., “Plug-and-Play Image Restoration with Deep Denoiser Prior”, TPAMI 2021, for the network",
    licence=TRAINED_ON,
    origin=_("Trained by this project: python -m ml train jpeg-artefacts"),
)
DNCNN = trained(
    PACKAGE,
    "dncnn",
    title="dncnn",
    summary=_(
        "A small residual U-Net that is told the noise level: one network for all levels, colour and gray."
    ),
    paper="Zhang et al., “FFDNet: Toward a Fast and Flexible Solution for CNN-Based Image Denoising”, TIP 2018; and “Beyond a Gaussian Denoiser: Residual Learning of Deep CNN for Image Denoising”, TIP 2017",
    licence=TRAINED_ON,
    origin=_("Trained by this project: python -m ml train dncnn"),
)
LEARNED: Mapping[str, Weights] = {"camera": CAMERA, "jpeg": JPEG, "dncnn": DNCNN}
"""By method."""
BLIND: frozenset[str] = frozenset({"camera", "jpeg"})
"""The methods that are not told a level."""


class DenoiseParams(PictureParams):
    method: Method = Choice(
        "camera",
        {
            "camera": Option(_("Camera noise"), _("A network for the noise of photos, the best for them")),
            "jpeg": Option(_("JPEG blocks and ringing"), _("A network for what strong compression left")),
            "dncnn": Option(_("White noise"), _("A network that is told the level, the best for even noise")),
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
            "The noise's standard deviation on the scale from 0 to 255. Left out, it is estimated from the picture. "
            "“Camera noise” and “JPEG blocks and ringing” see it for themselves."
        ),
    )
    strength: float = pydantic.Field(
        1.0,
        ge=0,
        le=1,
        title=_("Strength"),
        description=_("How much of what was found is taken out: all of it with 1, nothing with 0."),
    )

    @pydantic.model_validator(mode="before")
    @classmethod
    def _told_a_level(cls, given: Any) -> Any:
        """Whoever names a level and no method wants the network that is told it."""
        told = isinstance(given, Mapping) and given.get("sigma") is not None and "method" not in given
        return {**given, "method": "dncnn"} if told else given


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
    frame_by_frame=True,
    word="denoised",
    version=3,
    accelerator="gpu-preferred",
    weights=tuple(LEARNED.values()),
    metrics=(PSNR, SSIM, SECONDS, Metric("sigma", _("Noise level, of 255"))),
    example=Example("coffee", noisy=True, others={"reference": Example("coffee")}, shown_first=True),
)
