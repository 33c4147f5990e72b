"""What shows an operation well: on the home page, in the catalogue, and as a job that a fresh site makes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Example:
    """A photo, of which a part may be cut out or spoilt first, or none; and settings.

    `photo` names one of static/samples and goes into the first slot; `others` go into further slots, by name.
    `crop` is left, top, right and bottom in pixels. Where there are `frames`, it is so many, each small, noisy and
    moved by parts of a pixel, in one animation. Where `before` names an output, that one, and not the photo, is shown
    as what the result was made of. A fresh site makes those that are `shown_first`.
    """

    photo: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    crop: tuple[int, int, int, int] | None = None
    noisy: bool = False
    frames: int = 0
    others: Mapping[str, "Example"] = field(default_factory=dict)
    before: str = ""
    shown_first: bool = False
