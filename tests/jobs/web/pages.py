"""What a browser without a script sends and reads."""

import io
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from jobs.models import Asset, Job, Owner
from jobs.queue import lifecycle
from tests.support import submit_one


def png(width: int = 40, height: int = 30, color: str = "teal") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), color).save(buffer, "PNG")
    return buffer.getvalue()


def upload(client: Client, content: bytes | None = None, name: str = "teal.png") -> Any:
    return client.post("/photos", {"file": SimpleUploadedFile(name, content or png())})


def uploaded(client: Client, content: bytes | None = None) -> str:
    """The id of a fresh photo."""
    return parse_qs(urlsplit(upload(client, content)["Location"]).query)["photo"][0]


def finished(owner: Owner | None, photo: Asset | None = None, **changes: Any) -> Job:
    """A job that has succeeded, with one output."""
    inputs = {"photo": [photo]} if photo else {}
    job = submit_one(owner, "instant", {}, inputs)
    claim = lifecycle.claim("cpu")
    assert claim
    output = Asset(
        made_by=job, attempt=1, output="result", kind="image", format="png", width=40, height=30, bytes=len(png()),
        sha256=uuid4().hex * 2, color="#336699",
    )  # fmt: skip
    output.file.save(f"outputs/{job.uuid}/result.png", ContentFile(png()), save=False)
    recipe = {"operation": "instant", "version": 1, "params": {}, "seed": 0, "inputs": {}}
    lifecycle.finish(claim, lifecycle.Outcome(outputs=[output], recipe=recipe, run_seconds=0.2))
    Job.objects.filter(pk=job.pk).update(**changes)
    job.refresh_from_db()
    return job


def page(response: Any) -> str:
    return str(response.content.decode())
