"""The before and after pictures of the home page, made by Latent from its sample photos."""

import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from PIL import Image, ImageOps

from jobs.library import samples
from ml.core import execution
from ml.core.context import Context, Inputs, Result
from ml.core.errors import OperationError
from ml.core.example import Example
from ml.core.formats import Kind
from ml.core.frames import poster
from ml.core.images import Picture, flattened
from ml.core.operation import Operation
from ml.registry import registry

SIZE, WIDE = (600, 400), (1200, 504)
FOLDER = settings.BASE_DIR / "static" / "examples"


class Command(BaseCommand):
    help = "Make static/examples: a picture before and after for each operation, or for those named."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("operation", nargs="*")

    def handle(self, *args: Any, **options: Any) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        for operation in registry().all():
            if options["operation"] and operation.slug not in options["operation"]:
                continue
            if operation.example is None:
                self.stderr.write(f"{operation.slug}: it declares no example")
                continue
            try:
                self._make(operation, operation.example, operation.slug, SIZE)
                if operation.banner:
                    self._make(operation, operation.banner, "banner", WIDE)
            except OperationError as error:
                self.stderr.write(f"{operation.slug}: {error}")

    def _make(self, operation: Operation, example: Example, name: str, size: tuple[int, int]) -> None:
        pictures = samples.pictures(operation, example)
        with tempfile.TemporaryDirectory() as folder:
            files = {}
            for slot, picture in pictures.items():
                files[slot] = [Path(folder) / f"{slot}.png"]
                picture.save(files[slot][0])
            if example.frames:
                files[operation.inputs[0].name] = [_saved_film(samples.film(example), Path(folder))]
            params, context = operation.parse(example.params), Context(seed=1)
            result = execution.execute(operation, params, Inputs(files), context)
            made = _shown(result)
        if made is None:
            self.stderr.write(f"{operation.slug}: its result is no picture")
            return
        sizes = [_save(_on_gray(made), f"{name}-after", size)]
        before = [_on_gray(result.images[example.before])] if example.before else list(pictures.values())
        sizes += [_save(picture, f"{name}-before", size) for picture in before[:1]]
        self.stdout.write(f"{name}: {' and '.join(f'{size / 1000:.0f} KB' for size in sizes)}")


def _saved_film(frames: list[Image.Image], folder: Path) -> Path:
    path = folder / "film.webp"
    frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True, duration=100)
    return path


def _shown(result: Result) -> Picture | None:
    """The picture that an example shows of a result: of a video, its first."""
    if result.images:
        return next(iter(result.images.values()))
    for file in result.files.values():
        if file.format.kind is Kind.VIDEO:
            with file.path.open("rb") as video:
                return poster(video)
    return None


def _on_gray(picture: Picture) -> Image.Image:
    return flattened(picture, 0.5).to_pillow().convert("RGB")


def _save(image: Image.Image, name: str, size: tuple[int, int]) -> int:
    """Cut to the proportions of an example; returns the size of the file in bytes."""
    path = FOLDER / f"{name}.webp"
    ImageOps.fit(image, size, Image.Resampling.BICUBIC, centering=(0.5, 0.15)).save(
        path, "WEBP", quality=62, method=6
    )
    return path.stat().st_size
