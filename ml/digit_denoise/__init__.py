"""Handwritten digits without their noise."""

from collections.abc import Mapping, Sequence
from typing import Literal

import pydantic

from ml.core.errors import InputError
from ml.core.example import Example
from ml.core.measures import NOISY_PSNR, PSNR
from ml.core.model_cards import trained
from ml.core.operation import Choice, Estimate, Facts, Group, Operation, Option, PictureParams, Slot
from ml.core.text import _
from ml.digit_denoise.messages import NO_SHEET

CELL = 28
"""Side of a digit on a sheet, in pixels: MNIST's."""

SMALL_SIDE = 448
"""A smaller picture is enlarged by a whole number of times, about so far."""

SECONDS_PER_DIGIT = 0.003

DENOISER = trained(
    "digit_denoise",
    "digit-denoiser",
    title=_("Denoiser of digits"),
    summary=_("A convolutional autoencoder that has learned to give back digits of MNIST from under noise."),
    paper="Vincent et al., “Extracting and Composing Robust Features with Denoising Autoencoders”, ICML 2008",
    licence=_("Trained on MNIST, which is CC BY-SA 3.0."),
    origin=_("Trained by this project: python -m ml train digit-denoiser"),
)


class DigitDenoiseParams(PictureParams):
    layout: Literal["digit", "sheet"] = Choice(
        "digit",
        {
            "digit": Option(_("One digit"), _("It is looked for, whatever the picture's size")),
            "sheet": Option(_("A sheet"), _("A digit in every 28 by 28 pixels")),
        },
        title=_("Layout"),
        description=_(
            "What is on the picture. Anything else than digits becomes what the network takes it for."
        ),
    )
    noise: float = pydantic.Field(
        0.0,
        ge=0,
        le=1,
        title=_("Noise to add first"),
        description=_(
            "To see what it can do: the noise's standard deviation, where black is 0 and white is 1."
        ),
    )


def enlargement(width: int, height: int) -> int:
    """How many times as wide and high the result is."""
    return max(1, SMALL_SIDE // max(width, height))


def estimate(params: DigitDenoiseParams, inputs: Mapping[str, Sequence[Facts]]) -> Estimate:
    """By the number of digits; raises `InputError` where a sheet does not consist of 28 by 28 pixels each."""
    (picture,) = inputs["image"]
    digits = 1
    if params.layout == "sheet":
        if picture.width % CELL or picture.height % CELL:
            raise InputError(NO_SHEET, width=picture.width, height=picture.height, cell=CELL)
        digits = picture.width // CELL * (picture.height // CELL)
    scale = enlargement(picture.width, picture.height)
    seconds = 1 + SECONDS_PER_DIGIT * digits + 0.3 * picture.megapixels
    return Estimate(seconds, picture.width * scale, picture.height * scale)


operation = Operation(
    slug="digit-denoise",
    title=_("Denoise a digit"),
    summary=_(
        "Give back a handwritten digit from under noise, as a network that knows nothing but digits sees it."
    ),
    group=Group.LABORATORY,
    inputs=(Slot(name="image", title=_("Digit")),),
    params=DigitDenoiseParams,
    estimate=estimate,
    run="ml.digit_denoise.run:run",
    word="denoised",
    random=True,
    weights=(DENOISER,),
    keeps=frozenset(),
    metrics=(PSNR, NOISY_PSNR),
    example=Example("noisy-digits", {"layout": "sheet"}),
)
