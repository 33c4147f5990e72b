"""The pictures of docs/dreams-and-styles.md and of the forms: ``python -m benchmarks.imagination [NAME …]``.

Each is a run of an operation on a photo that scikit-image ships, with a seed of 0. Names choose among them; all are
made without. The photos are smaller than 768 pixels, so they are enlarged first, with FSRCNN.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import skimage.data
from PIL import Image

from ml.core.context import Context, Inputs, Result
from ml.core.execution import execute
from ml.core.images import Picture, Pixels, write_picture
from ml.core.reading import read_picture
from ml.core.resize import resize
from ml.deep_dream import PATTERNS
from ml.registry import registry
from ml.style_transfer import FOLDER, PAINTINGS, STYLES
from webapp.config import BASE_DIR

DOCS, CHOICES = BASE_DIR / "docs" / "pictures", BASE_DIR / "static" / "choices"
SIDE, CHOICE_SIDE = 768, 192
PHOTOS: Mapping[str, Callable[[], Pixels]] = {
    "cat": skimage.data.chelsea,
    "astronaut": skimage.data.astronaut,
    "rocket": skimage.data.rocket,
}
QUALITY = 80


@dataclass(frozen=True)
class Wanted:
    """A picture: what is done to which one, and where it goes. Nothing is done where there is no operation."""

    target: Path
    source: Callable[[], Picture]
    operation: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    side: int = SIDE
    square: bool = False

    @property
    def name(self) -> str:
        return "/".join(self.target.relative_to(BASE_DIR).with_suffix("").parts[1:])


def main() -> None:
    wanted = {each.name: each for each in (*_for_docs(), *_for_forms())}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(wanted))
    chosen = parser.parse_args().names
    for name in chosen or wanted:
        started = time.monotonic()
        _write(wanted[name])
        print(f"{name:48} {time.monotonic() - started:6.1f} s", flush=True)


def _for_docs() -> Iterator[Wanted]:
    def made(photo: str, how: str, slug: str = "", **params: Any) -> Wanted:
        return Wanted(DOCS / f"{photo}{how}.webp", partial(_photo, photo), slug, params)

    for photo in PHOTOS:
        yield made(photo, "")
    for photo, pattern in {"cat": "animals", "astronaut": "arches", "rocket": "ornament"}.items():
        yield made(photo, "-deep-dream", "deep-dream", pattern=pattern)
    for photo, look in {"cat": "comic", "astronaut": "leaded-glass", "rocket": "starlight"}.items():
        yield made(photo, "-fast", "style-transfer", look=look, size=SIDE)
    for photo, painting in {"cat": "wave", "astronaut": "the-scream", "rocket": "starry-night"}.items():
        for method in ("arbitrary", "gatys"):
            yield made(photo, f"-{method}", "style-transfer", method=method, painting=painting, size=SIDE)


def _for_forms() -> Iterator[Wanted]:
    def option(slug: str, param: str, value: str, source: Callable[[], Picture], **params: Any) -> Wanted:
        target = CHOICES / slug / param / f"{value}.webp"
        return Wanted(target, source, slug if params else "", params, CHOICE_SIDE, square=True)

    dream = {"strength": 0.7, "size": 256, "octaves": 3}
    for pattern in PATTERNS:
        yield option("deep-dream", "pattern", pattern, partial(_photo, "cat"), pattern=pattern, **dream)
    for look in STYLES:
        yield option("style-transfer", "look", look, partial(_photo, "astronaut"), look=look, size=320)
    for painting in PAINTINGS:
        place = FOLDER / "paintings" / f"{painting}.webp"
        yield option("style-transfer", "painting", painting, partial(read_picture, place))


def _write(wanted: Wanted) -> None:
    picture = wanted.source()
    if wanted.operation:
        picture = next(iter(_run(wanted.operation, picture, wanted.params).images.values()))
    image = picture.to_pillow()
    if wanted.square:
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    image.thumbnail((wanted.side, wanted.side), Image.Resampling.LANCZOS)
    wanted.target.parent.mkdir(parents=True, exist_ok=True)
    image.save(wanted.target, "WEBP", quality=QUALITY, method=6)


@cache
def _photo(name: str) -> Picture:
    """Of 768 pixels."""
    large = next(
        iter(
            _run(
                "super-resolution", Picture(PHOTOS[name]()), {"method": "fsrcnn", "scale": 2}
            ).images.values()
        )
    )
    scale = SIDE / max(large.width, large.height)
    return resize(large, round(large.width * scale), round(large.height * scale), "lanczos")


def _run(slug: str, picture: Picture, params: Mapping[str, Any]) -> Result:
    operation = registry().get(slug)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "photo.png"
        write_picture(picture, path, "png")
        inputs = Inputs({operation.inputs[0].name: [path]})
        return execute(operation, operation.parse(params), inputs, Context())


if __name__ == "__main__":
    main()
