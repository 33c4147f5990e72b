"""Recipes that come with Latent: steps that, on photos as people have them, are worth a name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ml.core.text import _


@dataclass(frozen=True, kw_only=True)
class PresetStep:
    """An operation and what is set otherwise than by default."""

    operation: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Preset:
    slug: str
    title: str
    summary: str
    steps: tuple[PresetStep, ...]


PRESETS = (
    Preset(
        slug="old-small-photo",
        title=_("Old small photo"),
        summary=_("Takes the noise and the traces of compression away, then makes it four times as large."),
        steps=(
            PresetStep(operation="denoise", params={"method": "jpeg"}),
            PresetStep(operation="super-resolution", params={"scale": 4}),
        ),
    ),
    Preset(
        slug="night-shot",
        title=_("Night shot"),
        summary=_(
            "Cleans the grain of a dark photo, and keeps a little of it, so that nothing looks like wax."
        ),
        steps=(PresetStep(operation="denoise", params={"method": "camera", "strength": 0.85}),),
    ),
    Preset(
        slug="for-the-web",
        title=_("For the web"),
        summary=_("A JPEG 1,600 pixels wide that tells nothing of where and when it was taken."),
        steps=(PresetStep(operation="transform", params={"width": 1600, "format": "jpeg"}),),
    ),
    Preset(
        slug="for-print",
        title=_("For print"),
        summary=_("Large enough for a sharp print of 10 × 15 cm, and nothing is invented."),
        steps=(
            PresetStep(
                operation="super-resolution",
                params={"size": "print", "print_width": 10, "print_height": 15, "method": "span"},
            ),
        ),
    ),
    Preset(
        slug="painting",
        title=_("Painting"),
        summary=_("Painted anew, stroke by stroke, as van Gogh painted his Starry Night."),
        steps=(PresetStep(operation="style-transfer", params={"method": "gatys"}),),
    ),
)
