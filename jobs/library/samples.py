"""Photos and jobs of the site itself, for whoever has none at hand."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.translation import gettext_lazy as _
from PIL import Image

from jobs.intake import receive
from jobs.models import Asset, Job
from jobs.queue import submission
from jobs.queue.request import Request, Step
from ml.core.example import Example
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


SAMPLES = (
    Sample("chelsea", _("A cat"), _("A tabby cat looks to the side"), 451, 300),
    Sample("coffee", _("Coffee"), _("A cup of coffee on a wooden table"), 600, 400),
    Sample("astronaut", _("A portrait"), _("An astronaut smiles before a flag"), 512, 512),
)


def pictures(operation: Operation, example: Example) -> dict[str, Image.Image]:
    """What an example puts into the slots of an operation, of an animation the first frame."""
    if not example.photo:
        return {}
    return {operation.inputs[0].name: _picture(example)} | {
        slot: _picture(other) for slot, other in example.others.items()
    }


def film(example: Example) -> list[Image.Image]:
    """The frames of an example, as a hand that shakes would take them."""
    import numpy as np

    assert example.crop
    image = _opened(example.photo)
    left, top, right, bottom = example.crop
    size = ((right - left) // 2, (bottom - top) // 2)
    moves = np.random.default_rng(1).uniform(-4, 4, (example.frames, 2)).tolist()
    boxes = [(left + x, top + y, right + x, bottom + y) for x, y in moves]
    small = [image.resize(size, Image.Resampling.BICUBIC, box=box) for box in boxes]
    return [_with_noise(frame, HAND_NOISE, seed) for seed, frame in enumerate(small)]


def _picture(example: Example) -> Image.Image:
    if example.frames:
        return film(example)[0]
    image = _opened(example.photo)
    if example.crop:
        image = image.crop(example.crop)
    return _with_noise(image) if example.noisy else image


def _opened(photo: str) -> Image.Image:
    return Image.open(settings.BASE_DIR / "static" / "samples" / f"{photo}.jpg").convert("RGB")


def shown_first() -> list[str]:
    """The operations whose example a fresh site makes."""
    return [
        operation.slug
        for operation in registry().all()
        if operation.example and operation.example.shown_first
    ]


def submit_sample(slug: str) -> Job:
    """Queue the example of an operation as a job of nobody's that everybody may look at."""
    operation = registry().get(slug)
    example = operation.example or Example()
    photos = {
        slot: [_photo(f"{example.photo}.png", picture)]
        for slot, picture in pictures(operation, example).items()
    }
    (job,) = submission.submit(Request(None, [Step(slug, example.params)], [photos], sample=True))
    return job


def _photo(name: str, picture: Image.Image) -> Asset:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return receive.receive(None, SimpleUploadedFile(name, buffer.getvalue()))


def _with_noise(image: Image.Image, level: int = NOISE, seed: int = 0) -> Image.Image:
    import numpy as np

    pixels = np.asarray(image, np.float32)
    noise = np.random.default_rng(seed).normal(0, level, pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).round().astype(np.uint8))
