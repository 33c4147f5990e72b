"""An owner's bucket in the round robin: its counts are kept in step with the queued jobs."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Sum
from django.db.models.functions import Coalesce, Now

from jobs.models import FairShare, Job


def count_in(jobs: Sequence[Job]) -> None:
    """Queued jobs of one fair share count as waiting."""
    seconds = sum(job.expected_seconds for job in jobs)
    FairShare.objects.filter(pk=jobs[0].fair_share_id).update(
        waiting=F("waiting") + len(jobs), waiting_seconds=F("waiting_seconds") + seconds
    )


def leave(job: Job) -> None:
    """The job no longer counts as waiting."""
    # The share as it is now: the job may have changed hands since it was read.
    share = FairShare.objects.filter(pk__in=Job.objects.filter(pk=job.pk).values("fair_share"))
    share.update(**_without(job))


def serve(job: Job) -> None:
    """The job was just taken: its share is the one served last."""
    FairShare.objects.filter(pk=job.fair_share_id).update(**_without(job), last_served=Now())


def _without(job: Job) -> dict[str, Any]:
    return {"waiting": F("waiting") - 1, "waiting_seconds": F("waiting_seconds") - job.expected_seconds}


def recount_next(queue: str) -> bool:
    """Count the jobs of the share anew that is next: some went with their owner, who was deleted; False if none is."""
    share = FairShare.objects.filter(queue=queue, waiting__gt=0).order_by("last_served", "id").first()
    if share is None:
        return False
    with transaction.atomic():
        FairShare.objects.select_for_update().get(pk=share.pk)
        waiting = Job.objects.queued().filter(fair_share=share)
        found = waiting.aggregate(waiting=Count("pk"), waiting_seconds=Coalesce(Sum("expected_seconds"), 0.0))
        FairShare.objects.filter(pk=share.pk).update(**found)
    return True


def fair_share_of(key: str, queue: str) -> FairShare:
    return FairShare.objects.get_or_create(key=key, queue=queue)[0]
