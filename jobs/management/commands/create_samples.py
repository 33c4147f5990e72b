"""A few jobs that belong to nobody and are shown to everybody."""

import io
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management.base import BaseCommand

from jobs import lifecycle, uploads
from jobs.errors import Refused
from jobs.models import Job
from jobs.samples import EXAMPLES
from ml.core.errors import UnknownOperation
from ml.registry import registry


class Command(BaseCommand):
    help = "Queue a few sample jobs, unless there are some already."

    def handle(self, *args: Any, **options: Any) -> None:
        if Job.objects.filter(sample=True).exists():
            self.stdout.write("There are sample jobs already.")
            return
        count = 0
        for slug, example in EXAMPLES.items():
            try:
                operation = registry().get(slug)
                buffer = io.BytesIO()
                example.picture().save(buffer, "PNG")
                photo = uploads.receive(
                    None, SimpleUploadedFile(f"{example.photo.name}.png", buffer.getvalue())
                )
                lifecycle.submit(None, slug, example.params, {operation.inputs[0].name: [photo]}, sample=True)
                count += 1
            except UnknownOperation:
                continue
            except Refused as error:
                self.stderr.write(f"{slug}: {error}")
        self.stdout.write(f"Queued {count} sample jobs.")
