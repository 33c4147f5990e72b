"""Random variants of a picture, as a network sees them in training."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pydantic

from ml.core.example import Example
from ml.core.operation import (
    Choice,
    Estimate,
    Facts,
    FineTuning,
    Group,
    Operation,
    Option,
    PictureParams,
    Shows,
    Slot,
)
from ml.core.text import _

CELL_SIDE = 256
GAP = 8
SHEET_PROPORTIONS = 4 / 3
SECONDS_PER_MEGAPIXEL = 0.45
"""Of the variants, on two CPU cores, PNG included."""

BLUR_SECONDS_PER_MEGAPIXEL = 0.01
"""More, for each pixel squared of the blur's radius: torchvision weighs all of a square of neighbours."""


def _Strength(default: float, *, title: str, description: str, unit: str, le: float) -> Any:
    """A field of how strong a kind of change may be; 0 switches it off."""
    return pydantic.Field(
        default, ge=0, le=le, title=title, description=description, json_schema_extra={"unit": unit}
    )


class AugmentationParams(PictureParams):
    count: int = pydantic.Field(16, ge=1, le=64, title=_("Variants"), description=_("How many to draw."))
    scale: float = _Strength(
        20, le=100, unit="%", title=_("Scale"), description=_("Larger or smaller by up to so much.")
    )
    shift: float = _Strength(
        10,
        le=50,
        unit="%",
        title=_("Shift"),
        description=_("To any side by up to so much of width and height."),
    )
    rotate: float = _Strength(
        15, le=180, unit="°", title=_("Rotate"), description=_("To either side by up to so much.")
    )
    shear: float = _Strength(
        8, le=45, unit="°", title=_("Shear"), description=_("Slanted along both axes by up to so much.")
    )
    flip: Literal["none", "horizontal", "vertical", "both"] = Choice(
        "horizontal",
        {
            "none": Option(_("None")),
            "horizontal": Option(_("Horizontal")),
            "vertical": Option(_("Vertical")),
            "both": Option(_("Both")),
        },
        title=_("Flip"),
        description=_("Half of the variants are mirrored."),
    )
    crop: float = _Strength(
        20,
        le=95,
        unit="%",
        title=_("Crop"),
        description=_("Up to so much of the area is cut off; what stays fills the picture."),
    )
    colour: float = _Strength(
        30,
        le=100,
        unit="%",
        title=_("Colour"),
        description=_(
            "Brightness, contrast and saturation change by up to so much, the hue by a tenth of it."
        ),
    )
    blur: float = _Strength(
        1,
        le=5,
        unit="px",
        title=_("Blur"),
        description=_("Half of the variants are blurred, by a radius of up to so much."),
    )
    erase: float = _Strength(
        15,
        le=80,
        unit="%",
        title=_("Erase"),
        description=_("Half of the variants lose a rectangle of up to so much of the area."),
    )
    size: int = FineTuning(
        512,
        ge=16,
        le=1024,
        unit="px",
        title=_("Size"),
        description=_("The longer side of each variant. Smaller pictures keep their size."),
    )


def fitted(width: int, height: int, side: int) -> tuple[int, int]:
    """Width and height, made smaller in proportion where the longer is beyond `side`."""
    shrink = min(1.0, side / max(width, height))
    return max(1, round(width * shrink)), max(1, round(height * shrink))


def grid(count: int, width: int, height: int) -> tuple[int, int]:
    """Columns and rows of a contact sheet of `count` cells of that size, so that it is a little wider than high."""
    columns = min(count, max(1, round(math.sqrt(count * SHEET_PROPORTIONS * height / width))))
    rows = math.ceil(count / columns)
    return math.ceil(count / rows), rows


def sheet_size(count: int, width: int, height: int) -> tuple[int, int]:
    """Width and height of the contact sheet of variants of that size."""
    width, height = fitted(width, height, CELL_SIDE)
    columns, rows = grid(count, width, height)
    return columns * (width + GAP) + GAP, rows * (height + GAP) + GAP


def estimate(params: AugmentationParams, inputs: Mapping[str, Sequence[Facts]]) -> Estimate:
    """By the megapixels of all variants; the result is the contact sheet."""
    (picture,) = inputs["image"]
    width, height = fitted(picture.width, picture.height, params.size)
    megapixels = params.count * width * height / 1e6
    seconds = SECONDS_PER_MEGAPIXEL + BLUR_SECONDS_PER_MEGAPIXEL * params.blur**2
    sheet = sheet_size(params.count, width, height)
    return Estimate(1 + 0.2 * picture.megapixels + seconds * megapixels, *sheet)


operation = Operation(
    slug="augmentation",
    title=_("Augmentation"),
    summary=_(
        "Random variants of a picture, as networks are trained on: a contact sheet, and a ZIP of PNG files."
    ),
    group=Group.LABORATORY,
    inputs=(Slot(name="image", title=_("Picture")),),
    params=AugmentationParams,
    estimate=estimate,
    run="ml.augmentation.run:run",
    word="variants",
    random=True,
    shows=Shows.SHEET,
    example=Example("coffee", {"count": 6}),
)
