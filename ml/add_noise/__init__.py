"""Noise of every kind, for teaching and for trying out denoisers."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pydantic

from ml.core.example import Example
from ml.core.operation import Choice, Estimate, Facts, Group, Operation, Option, PictureParams, Slot
from ml.core.text import _

Method = Literal["gaussian", "salt-and-pepper", "white-pixels", "poisson", "jpeg"]

SECONDS_PER_MEGAPIXEL: Mapping[Method, float] = {
    "gaussian": 0.15,
    "salt-and-pepper": 0.1,
    "white-pixels": 0.02,
    "poisson": 0.35,
    "jpeg": 0.1,
}
"""On two CPU cores."""


def _only_for(method: Method, unit: str = "") -> dict[str, Any]:
    return {"when": {"method": [method]}} | ({"unit": unit} if unit else {})


class AddNoiseParams(PictureParams):
    method: Method = Choice(
        "gaussian",
        {
            "gaussian": Option(_("Gaussian"), _("As of a sensor in the dark")),
            "salt-and-pepper": Option(_("Salt and pepper"), _("Single pixels turn black or white")),
            "white-pixels": Option(_("White pixels"), _("So many dots, at random places")),
            "poisson": Option(_("Poisson"), _("As of too few photons, stronger where it is bright")),
            "jpeg": Option(_("JPEG"), _("The blocks and rings of strong compression")),
        },
        title=_("Method"),
        description=_("The kind of noise."),
    )
    sigma: float = pydantic.Field(
        25,
        ge=0,
        le=75,
        title=_("Noise level"),
        description=_("The noise's standard deviation on the scale from 0 to 255."),
        json_schema_extra=_only_for("gaussian"),
    )
    share: float = pydantic.Field(
        5,
        ge=0,
        le=100,
        title=_("Share"),
        description=_("How many of the pixels are hit; half of them turn white, half black."),
        json_schema_extra=_only_for("salt-and-pepper", unit="%"),
    )
    pixels: int = pydantic.Field(
        3000,
        ge=0,
        le=10_000_000,
        title=_("White pixels"),
        description=_("How many times a place is drawn at random and made white; one may be drawn twice."),
        json_schema_extra=_only_for("white-pixels"),
    )
    photons: float = pydantic.Field(
        30,
        ge=1,
        le=1000,
        title=_("Photons"),
        description=_("How many are counted at a white pixel. The fewer, the noisier."),
        json_schema_extra=_only_for("poisson"),
    )
    quality: int = pydantic.Field(
        10,
        ge=1,
        le=95,
        title=_("Quality"),
        description=_("The JPEG's quality. The lower, the coarser."),
        json_schema_extra=_only_for("jpeg"),
    )


def estimate(params: AddNoiseParams, inputs: Mapping[str, Sequence[Facts]]) -> Estimate:
    """By megapixels, PNG included."""
    (picture,) = inputs["image"]
    seconds = 0.2 + (0.2 + SECONDS_PER_MEGAPIXEL[params.method]) * picture.megapixels
    return Estimate(seconds, picture.width, picture.height)


operation = Operation(
    slug="add-noise",
    title=_("Add noise"),
    summary=_("Spoil a picture with noise of a known kind and strength, to see what denoising can do."),
    group=Group.LABORATORY,
    inputs=(Slot(name="image", title=_("Picture")),),
    params=AddNoiseParams,
    estimate=estimate,
    run="ml.add_noise.run:run",
    frame_by_frame=True,
    word="noisy",
    random=True,
    example=Example("astronaut"),
)
