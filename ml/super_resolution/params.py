"""What can be asked of super-resolution: a method, and how large the result is to be."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

import pydantic

from ml.core.errors import InputError
from ml.core.operation import Choice, Option, PictureParams
from ml.core.text import _
from ml.super_resolution.messages import PRINT_OUT_OF_REACH, WIDTH_OUT_OF_REACH

Single = Literal[
    "clear-reality",
    "span",
    "real-esrgan",
    "real-esrgan-compact",
    "latent-sr",
    "fsrcnn",
    "srcnn",
    "bicubic",
]
Method = Literal[Single, "compare"]
Scale = Literal[2, 3, 4]
SCALES: tuple[Scale, ...] = get_args(Scale)
"""Those that networks are trained and measured for."""

SMALLEST_SCALE, LARGEST_SCALE = 1.5, 8
LARGEST_WIDTH = 65_535
LARGEST_PRINT = 200
"""Centimetres."""
DOTS_PER_CENTIMETRE = 300 / 2.54

NATURAL, TRUE, INVENTED = _("Natural"), _("True to the picture"), _("Invented detail")
METHODS: Mapping[Method, Option] = {
    "clear-reality": Option(
        NATURAL, _("Clean and sharp with little made up, for photos as they are"), group=NATURAL
    ),
    "span": Option(
        TRUE, _("Nothing made up, and measured to come nearest to what the camera saw"), group=TRUE
    ),
    "real-esrgan": Option(
        INVENTED,
        _("The sharpest: Real-ESRGAN makes up fur and texture. Slow, and wrong on tiny faces"),
        group=INVENTED,
    ),
    "real-esrgan-compact": Option(
        _("Drawn"), _("Real-ESRGAN compact: clean edges, for drawings"), group=INVENTED
    ),
    "latent-sr": Option(_("latent-sr"), _("Our own: quick"), group=TRUE),
    "fsrcnn": Option(_("FSRCNN"), _("Nearly as good, very fast"), group=TRUE),
    "srcnn": Option(_("SRCNN"), _("The first such network, of 2014"), group=TRUE),
    "bicubic": Option(_("Bicubic"), _("No network, soft"), group=TRUE),
    "compare": Option(_("Compare"), _("All those that take less than two minutes, side by side")),
}


def _only_for(size: str, unit: str, **more: Any) -> dict[str, Any]:
    return {"when": {"size": [size]}, "unit": unit, **more}


class SuperResolutionParams(PictureParams):
    method: Method = Choice(
        "clear-reality",
        METHODS,
        title=_("Method"),
        description=_("How the missing detail is found."),
    )
    size: Literal["scale", "width", "print"] = Choice(
        "scale",
        {
            "scale": Option(_("Times")),
            "width": Option(_("Width")),
            "print": Option(_("Print")),
        },
        title=_("Size"),
        description=_("How large the result is to be: so many times, so wide, or what a print takes."),
    )
    scale: float = pydantic.Field(
        2,
        ge=SMALLEST_SCALE,
        le=LARGEST_SCALE,
        title=_("Scale"),
        description=_("How many times as wide and high."),
        json_schema_extra=_only_for("scale", "×", step=0.1),
    )
    width: int = pydantic.Field(
        3000,
        ge=1,
        le=LARGEST_WIDTH,
        title=_("Width"),
        description=_("Of the result. Its height follows from the picture."),
        json_schema_extra=_only_for("width", "px"),
    )
    print_width: float = pydantic.Field(
        30,
        ge=1,
        le=LARGEST_PRINT,
        title=_("Width of the print"),
        description=_("It is filled at 300 dots an inch, upright or lying as the picture is."),
        json_schema_extra=_only_for("print", "cm"),
    )
    print_height: float = pydantic.Field(
        40,
        ge=1,
        le=LARGEST_PRINT,
        title=_("Height of the print"),
        description=_("What the picture has beyond its edges stays, for the printer to cut off."),
        json_schema_extra=_only_for("print", "cm"),
    )

    @pydantic.field_serializer("scale", return_type=int | float)
    def _whole(self, scale: float) -> float:
        """2 stays 2 in a recipe, as it stands in those of before there were scales between."""
        return scale if scale % 1 else int(scale)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _meant_by_what_is_given(cls, given: Any) -> Any:
        """Whoever gives a width alone would otherwise get twice the size without a word."""
        if not isinstance(given, dict) or "size" in given:
            return given
        if "width" in given:
            return given | {"size": "width"}
        return given | {"size": "print"} if given.keys() & {"print_width", "print_height"} else given


def scale_of(params: SuperResolutionParams, width: int, height: int) -> float:
    """How many times as large a picture of that size becomes; raises `InputError` where a target is out of reach."""
    match params.size:
        case "width":
            if not width <= params.width <= LARGEST_SCALE * width:
                raise InputError(
                    WIDTH_OUT_OF_REACH, width=params.width, least=width, most=LARGEST_SCALE * width
                )
            return params.width / width
        case "print":
            return _scale_for_print(params, width, height)
    return params.scale


def _scale_for_print(params: SuperResolutionParams, width: int, height: int) -> float:
    """The paper is turned as the picture is, and filled."""
    pixels = sorted((width, height))
    centimetres = sorted((params.print_width, params.print_height))
    scale = max(DOTS_PER_CENTIMETRE * side / length for side, length in zip(centimetres, pixels, strict=True))
    if not 1 <= scale <= LARGEST_SCALE:
        short, long = (length / DOTS_PER_CENTIMETRE for length in pixels)
        raise InputError(
            PRINT_OUT_OF_REACH,
            short=short,
            long=long,
            shorter=LARGEST_SCALE * short,
            longer=LARGEST_SCALE * long,
        )
    return scale


def enlarged(width: int, height: int, scale: float) -> tuple[int, int]:
    """Width and height in pixels of a picture that is enlarged."""
    return max(1, round(width * scale)), max(1, round(height * scale))


def enlarged_by(params: Mapping[str, Any]) -> str:
    """What an enlargement adds to the name of its photo: how many times, or for what."""
    match params.get("size", "scale"):
        case "width":
            return f"{params['width']}px"
        case "print":
            return f"{params['print_width']:g}x{params['print_height']:g}cm"
        case _:
            return f"{params.get('scale', 2):g}x"
