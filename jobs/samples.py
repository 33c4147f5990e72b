"""Photos and jobs of the site itself, for whoever has none at hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _
from PIL import Image

from webapp.config import BASE_DIR

NOISE = 30  # of 255: what a phone makes of a dark room


@dataclass(frozen=True)
class Sample:
    """A photo that may be shown to everybody; its terms stand on the home page."""

    name: str
    title: str
    alt: str
    width: int
    height: int

    @property
    def path(self) -> Path:
        return BASE_DIR / "static" / self.static_path

    @property
    def static_path(self) -> str:
        return f"samples/{self.name}.jpg"


CHELSEA = Sample("chelsea", _("A cat"), _("A tabby cat looks to the side"), 451, 300)
COFFEE = Sample("coffee", _("Coffee"), _("A cup of coffee on a wooden table"), 600, 400)
ASTRONAUT = Sample("astronaut", _("A portrait"), _("An astronaut smiles before a flag"), 512, 512)
SAMPLES = (CHELSEA, COFFEE, ASTRONAUT)


@dataclass(frozen=True)
class Example:
    """What shows an operation well: a photo, of which a part may be cut out or spoilt first, and settings.

    `crop` is left, top, right and bottom in pixels.
    """

    photo: Sample
    params: Mapping[str, Any] = field(default_factory=dict)
    crop: tuple[int, int, int, int] | None = None
    noisy: bool = False

    def picture(self) -> Image.Image:
        image = Image.open(self.photo.path).convert("RGB")
        if self.crop:
            image = image.crop(self.crop)
        return _with_noise(image) if self.noisy else image


EXAMPLES: Mapping[str, Example] = {
    "super-resolution": Example(CHELSEA, {"method": "real-esrgan", "scale": 4}, crop=(118, 84, 268, 184)),
    "denoise": Example(COFFEE, noisy=True),
    "transform": Example(ASTRONAUT, {"action": "rotate", "angle": -18, "corners": "white"}),
}
"""By slug. An operation that is not among them is shown with its defaults."""


def example_of(slug: str, index: int) -> Example:
    """How to show an operation; `index` varies the photo."""
    return EXAMPLES.get(slug) or Example(SAMPLES[index % len(SAMPLES)])


def _with_noise(image: Image.Image) -> Image.Image:
    import numpy as np

    pixels = np.asarray(image, np.float32)
    noise = np.random.default_rng(0).normal(0, NOISE, pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).round().astype(np.uint8))
