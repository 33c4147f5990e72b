"""An owner's bucket in the round robin: its counts are kept in step with the queued jobs."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Sum
from django.db.models.functions import Coalesce, Now

from jobs.models import Job, Turn


def count_in(jobs: Sequence[Job]) -> None:
    """Queued jobs of one turn count as waiting."""
    seconds = sum(job.expected_seconds for job in jobs)
    Turn.objects.filter(pk=jobs[0].turn_id).update(
        waiting=F("waiting") + len(jobs), waiting_seconds=F("waiting_seconds") + seconds
    )


def leave(job: Job, *, served: bool = False) -> None:
    """The job no longer counts as waiting."""
    changes: dict[str, Any] = {
        "waiting": F("waiting") - 1,
        "waiting_seconds": F("waiting_seconds") - job.expected_seconds,
    }
    # The turn as it is now: the job may have changed hands since it was read.
    turn = Turn.objects.filter(pk__in=Job.objects.filter(pk=job.pk).values("turn"))
    turn.update(**changes, **({"last_served": Now()} if served else {}))


def recount(turn: Turn) -> None:
    """Count a turn's jobs anew: some went with their owner, who was deleted."""
    with transaction.atomic():
        Turn.objects.select_for_update().get(pk=turn.pk)
        waiting = Job.objects.queued().filter(turn=turn)
        found = waiting.aggregate(waiting=Count("pk"), waiting_seconds=Coalesce(Sum("expected_seconds"), 0.0))
        Turn.objects.filter(pk=turn.pk).update(**found)


def turn_of(key: str, queue: str) -> Turn:
    return Turn.objects.get_or_create(key=key, queue=queue)[0]
