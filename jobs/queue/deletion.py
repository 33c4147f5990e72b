"""Removing a job, whatever it is doing."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from jobs.access import sharing
from jobs.messages import EARLIER_STEP_DELETED
from jobs.models import Asset, Batch, Job, ShareLink
from jobs.queue import chain, live
from jobs.queue.fair_share import leave
from jobs.queue.lifecycle import Status, locked
from jobs.storage.outputs import after_commit
from jobs.storage.thumbnails import delete_files
from ml.core.formats import Kind


def delete(job: Job) -> None:
    """Remove a job and what it made, save what its owner needs or cherishes. The worker of one that runs finds the row gone, and stops."""
    with transaction.atomic():
        row = locked(job)
        if row is None:
            return
        if row.status == Status.QUEUED:
            leave(row)
        chain.call_off(row, EARLIER_STEP_DELETED(step=chain.title_of(row)))
        outputs = going_with(row)
        going = Asset.objects.filter(pk__in=[output.pk for output in outputs])
        Asset.objects.filter(original__in=going).update(alone=True)
        going.delete()
        row.delete()
        if row.batch_id:
            _see_to_batch(row.batch_id)
        after_commit(_after_delete, job, outputs)


def _see_to_batch(batch_id: UUID) -> None:
    """One of which no job is left goes, too."""
    if Job.objects.filter(batch=batch_id).exists():
        chain.settle(batch_id)
    else:
        Batch.objects.filter(pk=batch_id).delete()


def going_with(job: Job) -> list[Asset]:
    """The outputs that go with a job: no favourites, and none that another job was given, an album holds, or a link shows.

    A model goes all the same, its copies too: whoever deletes a training wants nothing left of what was learned.
    """
    learned = job.outputs.filter(kind=Kind.MODEL).values("sha256")
    models = Asset.objects.filter(kind=Kind.MODEL, owner=job.owner_id, sha256__in=learned)
    shown = sharing.live(ShareLink.objects.filter(asset__made_by=job))
    needed = Q(favourite=True) | Q(uses__isnull=False) | Q(places__isnull=False) | Q(shares__in=shown)
    unneeded = job.outputs.exclude(kind=Kind.MODEL).exclude(pk__in=job.outputs.filter(needed).values("pk"))
    return [*unneeded, *models]


def _after_delete(job: Job, outputs: Sequence[Asset]) -> None:
    live.hurry_cancel(job.uuid)
    live.forget(job.uuid)
    for output in outputs:
        delete_files(output)
