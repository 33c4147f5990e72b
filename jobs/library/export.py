"""Everything that a member has here, as one ZIP that is written while it is sent."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models.fields.files import FieldFile
from zipstream import ZIP_STORED, ZipStream

from jobs.messages import told
from jobs.models import Job, Owner, Photo, ShareLink


def everything_of(owner: Owner) -> ZipStream:
    """The photos, the results, and in `latent.json` what was asked for, when, and what came of it."""
    archive = ZipStream(compress_type=ZIP_STORED)  # pictures are compressed already
    photos = {photo.id: f"photos/{photo.id}{_suffix(photo.file)}" for photo in owner.photos.all()}
    jobs = list(owner.jobs.prefetch_related("inputs", "outputs", "shares").order_by("id"))
    told = {
        "name": str(owner),
        "since": owner.created_at,
        "photos": [_photo(photo, photos[photo.id]) for photo in owner.photos.order_by("created_at")],
        "jobs": [_job(job, photos) for job in jobs],
    }
    archive.add(json.dumps(told, cls=DjangoJSONEncoder, indent=1), "latent.json")
    for photo in owner.photos.all():
        archive.add(_chunks(photo.file), photos[photo.id])
    for job in jobs:
        for output in job.outputs.all():
            archive.add(_chunks(output.file), _result(job, output.name, output.file))
    return archive


def _photo(photo: Photo, path: str) -> dict[str, Any]:
    return {"file": path, "name": photo.name, "sent": photo.created_at, "sha256": photo.sha256}


def _job(job: Job, photos: dict[Any, str]) -> dict[str, Any]:
    return {
        "id": job.uuid,
        "operation": job.operation,
        "params": job.params,
        "seed": job.seed,
        "status": job.status,
        "created": job.created_at,
        "finished": job.finished_at,
        "inputs": [{"slot": item.slot, "file": photos.get(item.photo_id)} for item in job.inputs.all()],
        "outputs": [_result(job, output.name, output.file) for output in job.outputs.all()],
        "metrics": job.metrics,
        "labels": [{**label, "title": told(label["title"])} for label in job.labels],
        "series": job.series,
        "recipe": job.recipe,
        "links": [_link(link) for link in job.shares.all()],
    }


def _link(link: ShareLink) -> dict[str, Any]:
    return {"made": link.created_at, "expires": link.expires_at, "revoked": link.revoked_at}


def _result(job: Job, name: str, file: FieldFile) -> str:
    return f"results/{job.uuid}/{name}{_suffix(file)}"


def _suffix(file: FieldFile) -> str:
    return Path(str(file)).suffix


def _chunks(file: FieldFile) -> Iterator[bytes]:
    """What is in a stored file; nothing where it was deleted meanwhile."""
    try:
        with file.open("rb") as content:
            yield from content.chunks()
    except FileNotFoundError:
        return
