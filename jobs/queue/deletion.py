"""Removing a job, whatever it is doing."""

from collections.abc import Sequence

from django.db import transaction

from jobs.models import Job, Output, Photo
from jobs.queue import live
from jobs.queue.fair_share import leave
from jobs.queue.lifecycle import Status, locked
from jobs.storage.outputs import after_commit
from jobs.storage.thumbnails import delete_files
from ml.core.formats import Kind


def delete(job: Job) -> None:
    """Remove a job and its files. The worker of one that runs finds the row gone, and stops."""
    with transaction.atomic():
        row = locked(job)
        if row is None:
            return
        if row.status == Status.QUEUED:
            leave(row)
        outputs = list(row.outputs.all())
        # A model that was used as an input goes with the job that trained it.
        digests = [output.sha256 for output in outputs]
        models = Photo.objects.filter(owner=row.owner_id, kind=Kind.MODEL, sha256__in=digests)
        stored: list[Output | Photo] = [*outputs, *models]
        models.delete()
        row.delete()
        after_commit(_after_delete, job, stored)


def _after_delete(job: Job, stored: Sequence[Output | Photo]) -> None:
    live.hurry_cancel(job.uuid)
    live.forget(job.uuid)
    for row in stored:
        delete_files(row)
