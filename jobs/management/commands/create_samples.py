"""A few jobs that belong to nobody and are shown to everybody."""

import io
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management.base import BaseCommand
from PIL import Image

from jobs import lifecycle, uploads
from jobs.errors import Refused
from jobs.models import Job, Photo
from jobs.samples import EXAMPLES, SHOWN_FIRST
from ml.core.errors import UnknownOperation
from ml.registry import registry


class Command(BaseCommand):
    help = "Queue a few sample jobs, unless there are some already."

    def handle(self, *args: Any, **options: Any) -> None:
        if Job.objects.filter(sample=True).exists():
            self.stdout.write("There are sample jobs already.")
            return
        count = 0
        for slug in SHOWN_FIRST:
            try:
                example = EXAMPLES[slug]
                pictures = example.pictures(registry().get(slug))
                photos = {slot: [_photo(example.photo.name, picture)] for slot, picture in pictures.items()}
                lifecycle.submit(None, slug, example.params, photos, sample=True)
                count += 1
            except UnknownOperation:
                continue
            except Refused as error:
                self.stderr.write(f"{slug}: {error}")
        self.stdout.write(f"Queued {count} sample jobs.")


def _photo(name: str, picture: Image.Image) -> Photo:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return uploads.receive(None, SimpleUploadedFile(f"{name}.png", buffer.getvalue()))
