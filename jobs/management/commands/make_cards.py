"""The before and after pictures of the home page, made by Latent from its sample photos."""

import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from PIL import Image, ImageOps

from jobs.samples import example_of
from ml.core import execution
from ml.core.context import Context, Inputs
from ml.core.errors import OperationError
from ml.core.images import flattened
from ml.core.operation import Kind, Operation
from ml.registry import registry
from webapp.config import BASE_DIR

SIZE = (640, 427)
FOLDER = BASE_DIR / "static" / "cards"


class Command(BaseCommand):
    help = "Make static/cards: a picture before and after for each operation, or for those named."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("operation", nargs="*")

    def handle(self, *args: Any, **options: Any) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        for index, operation in enumerate(registry().all()):
            if options["operation"] and operation.slug not in options["operation"]:
                continue
            try:
                self._make(operation, index)
            except OperationError as error:
                self.stderr.write(f"{operation.slug}: {error}")

    def _make(self, operation: Operation, index: int) -> None:
        example = example_of(operation.slug, index)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "photo.png"
            example.picture().save(path)
            slots = [slot for slot in operation.inputs if slot.required and Kind.IMAGE in slot.accepts]
            inputs = Inputs({slot.name: [path] * slot.minimum for slot in slots})
            result = execution.execute(operation, operation.parse(example.params), inputs, Context(seed=1))
            picture = next(iter(result.images.values()), None)
            if picture is None:
                self.stderr.write(f"{operation.slug}: its result is no picture")
                return
            after = flattened(picture, 0.5).to_pillow().convert("RGB")
            sizes = [_save(after, f"{operation.slug}-after")]
            if slots:
                sizes.append(_save(Image.open(path), f"{operation.slug}-before"))
        self.stdout.write(f"{operation.slug}: {' and '.join(f'{size / 1000:.0f} KB' for size in sizes)}")


def _save(image: Image.Image, name: str) -> int:
    """Cut to the proportions of a card; returns the size of the file in bytes."""
    path = FOLDER / f"{name}.webp"
    ImageOps.fit(image, SIZE, Image.Resampling.BICUBIC, centering=(0.5, 0.15)).save(
        path, "WEBP", quality=70, method=6
    )
    return path.stat().st_size
