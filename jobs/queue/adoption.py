"""A visitor who logs in takes along what they made."""

from functools import partial

from django.db import transaction

from jobs.models import Album, Asset, Batch, Job, Owner
from jobs.queue import live
from jobs.queue.fair_share import count_in, fair_share_of, leave
from jobs.queue.lifecycle import Status


def adopt(visitor: Owner, member: Owner) -> None:
    """What a visitor uploaded and made belongs to a member from now on; what waits goes to the member's fair share."""
    with transaction.atomic():
        list(Batch.objects.select_for_update().filter(owner=visitor).order_by("pk").values_list("pk"))
        waiting = Job.objects.select_for_update().waiting().filter(owner=visitor).order_by("pk")
        for job in list(waiting):
            _move(job, member)
        # A member may have used the same Idempotency-Key; a visitor's has done its work.
        Job.objects.filter(owner=visitor).update(owner=member, idempotency_key=None, idempotency_digest="")
        Batch.objects.filter(owner=visitor).update(owner=member, idempotency_key=None, idempotency_digest="")
        Asset.objects.filter(owner=visitor).update(owner=member)
        Album.objects.filter(owner=visitor).update(owner=member)
        visitor.delete()


def _move(job: Job, member: Owner) -> None:
    """To the member's fair share, where it counts unless it is blocked."""
    queued = job.status == Status.QUEUED
    if queued:
        leave(job)
    job.fair_share = fair_share_of(member.fair_share_key, job.queue)
    Job.objects.filter(pk=job.pk).update(fair_share=job.fair_share)
    if queued:
        count_in([job])
    transaction.on_commit(partial(live.changed, Status(job.status), job.uuid))
