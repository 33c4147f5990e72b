"""Photos and jobs of the site itself, for whoever has none at hand."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.translation import gettext_lazy as _
from PIL import Image

from jobs.intake import receive
from jobs.models import Job, Photo
from jobs.queue import submission
from jobs.queue.request import Request, Step
from ml.core.operation import Operation
from ml.registry import registry

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

NOISE, HAND_NOISE = 30, 10  # of 255: what a phone makes of a dark room, and of one with a lamp


@dataclass(frozen=True)
class Sample:
    """A photo that may be shown to everybody; its terms stand on the home page."""

    name: str
    title: "StrOrPromise"
    alt: "StrOrPromise"
    width: int
    height: int

    @property
    def path(self) -> Path:
        return settings.BASE_DIR / "static" / self.static_path

    @property
    def static_path(self) -> str:
        return f"samples/{self.name}.jpg"


CHELSEA = Sample("chelsea", _("A cat"), _("A tabby cat looks to the side"), 451, 300)
COFFEE = Sample("coffee", _("Coffee"), _("A cup of coffee on a wooden table"), 600, 400)
ASTRONAUT = Sample("astronaut", _("A portrait"), _("An astronaut smiles before a flag"), 512, 512)
SAMPLES = (CHELSEA, COFFEE, ASTRONAUT)
NOISY_DIGITS = Sample("noisy-digits", _("Digits under noise"), _("Handwritten digits under noise"), 168, 112)
"""Drawn by `vae-sample`, so that nobody's pictures are shipped."""


@dataclass(frozen=True)
class Example:
    """What shows an operation well: a photo, of which a part may be cut out or spoilt first, or none; and settings.

    `crop` is left, top, right and bottom in pixels; `others` are the photos in further slots, by name. Where `before`
    names an output, a card shows that one, and not the photo, as what the result was made of. Where there are `frames`,
    it is so many, each small, noisy and moved by parts of a pixel, in one animation.
    """

    photo: Sample | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    crop: tuple[int, int, int, int] | None = None
    noisy: bool = False
    others: Mapping[str, "Example"] = field(default_factory=dict)
    before: str = ""
    frames: int = 0

    def pictures(self, operation: Operation) -> dict[str, Image.Image]:
        """What goes into the slots of an operation."""
        if not operation.inputs or not self.photo:
            return {}
        others = {slot: other.picture() for slot, other in self.others.items()}
        return {operation.inputs[0].name: self.picture()} | others

    def picture(self) -> Image.Image:
        assert self.photo
        image = Image.open(self.photo.path).convert("RGB")
        if self.crop:
            image = image.crop(self.crop)
        if self.frames:
            return self.film()[0]
        return _with_noise(image) if self.noisy else image

    def film(self) -> list[Image.Image]:
        """The frames, as a hand that shakes would take them."""
        import numpy as np

        assert self.photo
        assert self.crop
        image = Image.open(self.photo.path).convert("RGB")
        left, top, right, bottom = self.crop
        size = ((right - left) // 2, (bottom - top) // 2)
        moves = np.random.default_rng(1).uniform(-4, 4, (self.frames, 2)).tolist()
        boxes = [(left + x, top + y, right + x, bottom + y) for x, y in moves]
        small = [image.resize(size, Image.Resampling.BICUBIC, box=box) for box in boxes]
        return [_with_noise(frame, HAND_NOISE, seed) for seed, frame in enumerate(small)]


EXAMPLES: Mapping[str, Example] = {
    "super-resolution": Example(CHELSEA, {"method": "real-esrgan", "scale": 4}, crop=(118, 84, 268, 184)),
    "burst-super-resolution": Example(CHELSEA, {"scale": 2}, crop=(60, 30, 320, 204), frames=16),
    "video-super-resolution": Example(
        COFFEE, {"method": "burst", "scale": 2}, crop=(180, 60, 480, 260), frames=6
    ),
    "denoise": Example(COFFEE, noisy=True, others={"reference": Example(COFFEE)}),
    "deep-dream": Example(CHELSEA),
    "style-transfer": Example(ASTRONAUT),
    "classify": Example(CHELSEA),
    "faces": Example(ASTRONAUT),
    "transform": Example(ASTRONAUT, {"action": "rotate", "angle": -18, "corners": "white"}),
    "augmentation": Example(COFFEE, {"count": 6}),
    "add-noise": Example(ASTRONAUT),
    "denoise-demonstration": Example(ASTRONAUT, before="noisy"),
    "comparison": Example(COFFEE, noisy=True, others={"reference": Example(COFFEE)}),
    "digit-denoise": Example(NOISY_DIGITS, {"layout": "sheet"}),
    "vae-sample": Example(None, {"action": "manifold", "method": "vae-2", "side": 16}),
    "gan-sample": Example(None, {"count": 24}),
}
"""By slug. An operation that is not among them is shown with its defaults."""
SHOWN_FIRST = ("super-resolution", "denoise", "deep-dream", "style-transfer")
"""Those of them that a fresh site makes."""


def submit_sample(slug: str) -> Job:
    """Queue the example of an operation as a job of nobody's that everybody may look at."""
    example = EXAMPLES[slug]
    photos = {
        slot: [_photo(f"{example.photo.name if example.photo else slot}.png", picture)]
        for slot, picture in example.pictures(registry().get(slug)).items()
    }
    (job,) = submission.submit(Request(None, Step(slug, example.params), [photos], sample=True))
    return job


def _photo(name: str, picture: Image.Image) -> Photo:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return receive.receive(None, SimpleUploadedFile(name, buffer.getvalue()))


def _with_noise(image: Image.Image, level: int = NOISE, seed: int = 0) -> Image.Image:
    import numpy as np

    pixels = np.asarray(image, np.float32)
    noise = np.random.default_rng(seed).normal(0, level, pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).round().astype(np.uint8))
