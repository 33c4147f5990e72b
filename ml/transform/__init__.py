"""Resize, crop, rotate, flip, copy: what needs no learning."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pydantic

from ml.core.errors import InputError
from ml.core.example import Example
from ml.core.operation import Choice, Estimate, Facts, Group, Operation, Option, PictureParams, Slot, named
from ml.core.text import _
from ml.transform.messages import CROP_OUTSIDE

LONGEST_SIDE = 65_535


def _only_for(*actions: str, unit: str = "", options: Mapping[str, Option] | None = None) -> dict[str, Any]:
    extra: dict[str, Any] = {"when": {"action": list(actions)}}
    return extra | ({"unit": unit} if unit else {}) | (named(options) if options else {})


class TransformParams(PictureParams):
    action: Literal["resize", "crop", "rotate", "flip", "copy"] = Choice(
        "resize",
        {
            "resize": Option(_("Resize")),
            "crop": Option(_("Crop")),
            "rotate": Option(_("Rotate")),
            "flip": Option(_("Flip")),
            "copy": Option(_("Copy, or convert to another file format")),
        },
        title=_("Action"),
        description=_("What to do with the picture."),
    )
    percent: float = pydantic.Field(
        50,
        ge=1,
        le=1000,
        title=_("Percent"),
        description=_("The new size as a share of the old one. A width or a height takes precedence."),
        json_schema_extra=_only_for("resize", unit="%"),
    )
    width: int | None = pydantic.Field(
        None,
        ge=1,
        le=LONGEST_SIDE,
        title=_("Width"),
        description=_(
            "In pixels. Left out, it follows from the height; when cropping, all that is there is kept."
        ),
        json_schema_extra=_only_for("resize", "crop", unit="px"),
    )
    height: int | None = pydantic.Field(
        None,
        ge=1,
        le=LONGEST_SIDE,
        title=_("Height"),
        description=_(
            "In pixels. Left out, it follows from the width; when cropping, all that is there is kept."
        ),
        json_schema_extra=_only_for("resize", "crop", unit="px"),
    )
    filter: Literal["nearest", "bilinear", "bicubic", "lanczos"] = pydantic.Field(
        "bicubic",
        title=_("Filter"),
        description=_(
            "Lanczos is the sharpest, bilinear the softest; nearest keeps the squares of pixel art."
        ),
        json_schema_extra=_only_for(
            "resize",
            options={
                "nearest": Option(_("Nearest")),
                "bilinear": Option(_("Bilinear")),
                "bicubic": Option(_("Bicubic")),
                "lanczos": Option(_("Lanczos")),
            },
        ),
    )
    left: int = pydantic.Field(
        0,
        ge=0,
        le=LONGEST_SIDE,
        title=_("Left"),
        description=_("Pixels cut off at the left."),
        json_schema_extra=_only_for("crop", unit="px"),
    )
    top: int = pydantic.Field(
        0,
        ge=0,
        le=LONGEST_SIDE,
        title=_("Top"),
        description=_("Pixels cut off at the top."),
        json_schema_extra=_only_for("crop", unit="px"),
    )
    angle: float = pydantic.Field(
        90,
        ge=-360,
        le=360,
        title=_("Angle"),
        description=_("In degrees, clockwise. Quarter turns lose nothing."),
        json_schema_extra=_only_for("rotate", unit="°"),
    )
    corners: Literal["transparent", "white", "black", "cut"] = pydantic.Field(
        "transparent",
        title=_("Corners"),
        description=_("What is in the corners that a slanted picture leaves empty."),
        json_schema_extra=_only_for(
            "rotate",
            options={
                "transparent": Option(_("Nothing"), _("Transparent")),
                "white": Option(_("White")),
                "black": Option(_("Black")),
                "cut": Option(_("Cut them off")),
            },
        ),
    )
    direction: Literal["horizontal", "vertical"] = pydantic.Field(
        "horizontal",
        title=_("Direction"),
        description=_("Horizontal swaps left and right, vertical swaps top and bottom."),
        json_schema_extra=_only_for(
            "flip", options={"horizontal": Option(_("Horizontal")), "vertical": Option(_("Vertical"))}
        ),
    )


def resized(params: TransformParams, width: int, height: int) -> tuple[int, int]:
    """Width and height after `resize`; the proportions are kept unless both are given."""
    new_width: float = width * params.percent / 100
    new_height: float = height * params.percent / 100
    match params.width, params.height:
        case None, int(given):
            new_width, new_height = width * given / height, given
        case int(given), None:
            new_width, new_height = given, height * given / width
        case int(given), int(other):
            new_width, new_height = given, other
    return max(1, round(new_width)), max(1, round(new_height))


def cropped(params: TransformParams, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what `crop` keeps; raises `InputError` where it lies outside."""
    right = width if params.width is None else params.left + params.width
    bottom = height if params.height is None else params.top + params.height
    if params.left >= width or params.top >= height or right > width or bottom > height:
        raise InputError(CROP_OUTSIDE, width=width, height=height)
    return params.left, params.top, right, bottom


def rotated(params: TransformParams, width: int, height: int) -> tuple[int, int]:
    """Width and height after `rotate`."""
    sine, cosine = abs(math.sin(math.radians(params.angle))), abs(math.cos(math.radians(params.angle)))
    if params.angle % 90 == 0:
        return (height, width) if params.angle % 180 else (width, height)
    if params.corners != "cut":
        return math.ceil(width * cosine + height * sine), math.ceil(width * sine + height * cosine)
    return _largest_inside(width, height, sine, cosine)


def _largest_inside(width: int, height: int, sine: float, cosine: float) -> tuple[int, int]:
    """The largest upright rectangle in a rotated one.

    It touches the long sides with two corners where the picture is so narrow that the short ones do not matter,
    and otherwise has a corner on each side.
    """
    short, long = sorted((width, height))
    if short <= 2 * sine * cosine * long or abs(sine - cosine) < 1e-9:
        half = short / 2
        inside = (half / sine, half / cosine) if width >= height else (half / cosine, half / sine)
    else:
        difference = cosine**2 - sine**2
        inside = (
            (width * cosine - height * sine) / difference,
            (height * cosine - width * sine) / difference,
        )
    return max(1, math.floor(inside[0])), max(1, math.floor(inside[1]))


def estimate(params: TransformParams, inputs: Mapping[str, Sequence[Facts]]) -> Estimate:
    """About 0.1 s for each megapixel of the larger of picture and result, PNG included."""
    (picture,) = inputs["image"]
    width, height = picture.width, picture.height
    match params.action:
        case "resize":
            width, height = resized(params, width, height)
        case "crop":
            left, top, right, bottom = cropped(params, width, height)
            width, height = right - left, bottom - top
        case "rotate":
            width, height = rotated(params, width, height)
    return Estimate(0.2 + 0.2 * max(picture.megapixels, width * height / 1e6), width, height)


operation = Operation(
    slug="transform",
    title=_("Transform"),
    summary=_("Resize, crop, rotate or flip a picture, or convert it to another file format."),
    group=Group.EDIT,
    inputs=(Slot(name="image", title=_("Picture")),),
    params=TransformParams,
    estimate=estimate,
    run="ml.transform.run:run",
    word="edited",
    frame_by_frame=True,
    example=Example("astronaut", {"action": "rotate", "angle": -18, "corners": "white"}),
)
