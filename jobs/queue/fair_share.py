"""An owner's bucket in the round robin: its counts are kept in step with the queued jobs."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Sum
from django.db.models.functions import Coalesce, Now

from jobs.models import FairShare, Job


def count_in(jobs: Sequence[Job]) -> None:
    """Queued jobs count as waiting."""
    for share, together in _by_share(jobs):
        seconds = sum(job.expected_seconds for job in together)
        FairShare.objects.filter(pk=share).update(
            waiting=F("waiting") + len(together), waiting_seconds=F("waiting_seconds") + seconds
        )


def leave(job: Job) -> None:
    """The job no longer counts as waiting."""
    # The share as it is now: the job may have changed hands since it was read.
    share = FairShare.objects.filter(pk__in=Job.objects.filter(pk=job.pk).values("fair_share"))
    share.update(**_without(job))


def leave_all(jobs: Sequence[Job]) -> None:
    """Queued jobs, whose rows are held, no longer count as waiting."""
    for share, together in _by_share(jobs):
        FairShare.objects.filter(pk=share).update(**_without(*together))


def serve(job: Job) -> None:
    """The job was just taken: its share is the one served last."""
    FairShare.objects.filter(pk=job.fair_share_id).update(**_without(job), last_served=Now())


def _without(*jobs: Job) -> dict[str, Any]:
    seconds = sum(job.expected_seconds for job in jobs)
    return {"waiting": F("waiting") - len(jobs), "waiting_seconds": F("waiting_seconds") - seconds}


def _by_share(jobs: Sequence[Job]) -> Iterator[tuple[int, list[Job]]]:
    """In one order, in which whoever locks several shares locks them."""
    for share, together in groupby(sorted(jobs, key=_share_of), key=_share_of):
        yield share, list(together)


def _share_of(job: Job) -> int:
    return job.fair_share_id


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
