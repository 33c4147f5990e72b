"""What the end of a job means for those that wait for its result, and for the batch that it belongs to.

One order of locks: whoever ends a job holds the row of its batch first, then that of the job, then those of its
successors. So of two that end at once the second sees what the first has done, and neither leaves a step blocked.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Count
from django.db.models.functions import Now

from jobs.messages import EARLIER_STEP_DONE, EARLIER_STEP_ENDED, NOTHING_TO_GO_ON_WITH, WAITS_AGAIN
from jobs.models import Asset, Batch, Job, JobInput, JobQuerySet
from jobs.queue.entry import enter
from jobs.queue.events import record_all, record_end
from ml.core.text import Message, Title

Status = Job.Status
CALLED_OFF = "earlier_step"
"""The code of a job that was cancelled since a step before it did not succeed."""


def hold(job: Job) -> None:
    """Lock the batch of a job until the transaction ends."""
    if job.batch_id:
        list(Batch.objects.select_for_update().filter(pk=job.batch_id).values_list("pk"))


def go_on(job: Job, outputs: Sequence[Asset]) -> None:
    """What waits for the result of a job that has just succeeded gets it, and is queued; then see to its batch."""
    if job.batch_id is None:
        return
    if result := result_of(job, outputs):
        JobInput.objects.filter(source=job).update(asset=result)
        _release(job)
    else:
        call_off(job, NOTHING_TO_GO_ON_WITH(step=title_of(job)))
    settle(job.batch_id)


def break_off(job: Job) -> None:
    """Nothing comes of what waits for a job that has failed, was cancelled or is deleted; then see to its batch."""
    if job.batch_id is None:
        return
    call_off(job, EARLIER_STEP_ENDED(step=title_of(job)))
    settle(job.batch_id)


def call_off(job: Job, reason: Message) -> None:
    """All steps behind it, which could not begin any more."""
    ended: Sequence[Job] = [job]
    while ended := list(_successors(ended, Status.BLOCKED)):
        Job.objects.filter(pk__in=[each.pk for each in ended]).update(
            status=Status.CANCELLED, finished_at=Now(), error_code=CALLED_OFF, error=reason.as_json()
        )
        record_all(ended, Status.CANCELLED, reason, CALLED_OFF)


def wait_again(job: Job) -> None:
    """A job is tried again: what was called off because of it waits once more, and its batch goes on."""
    if job.batch_id is None:
        return
    Batch.objects.filter(pk=job.batch_id).update(ended_at=None)
    waiting: Sequence[Job] = [job]
    while waiting := list(_successors(waiting, Status.CANCELLED).filter(error_code=CALLED_OFF)):
        Job.objects.filter(pk__in=[each.pk for each in waiting]).update(
            status=Status.BLOCKED, finished_at=None, error_code="", error=None
        )
        record_all(waiting, Status.BLOCKED, WAITS_AGAIN)


def settle(batch_id: UUID) -> None:
    """Where the last of its jobs has ended, a batch has ended; that is told once."""
    jobs = Job.objects.filter(batch=batch_id)
    if jobs.unfinished().exists():
        return
    counts = dict(jobs.order_by().values_list("status").annotate(Count("pk")))
    batch = Batch.objects.filter(pk=batch_id, ended_at=None).first()
    if batch:
        Batch.objects.filter(pk=batch.pk).update(ended_at=Now())
        record_end(batch, ending_of(counts), counts)


def ending_of(counts: dict[str, int]) -> Job.Status:
    """How a batch ended, by how many of its jobs ended how."""
    return next(
        (status for status in (Status.FAILED, Status.CANCELLED) if counts.get(status)), Status.SUCCEEDED
    )


def result_of(job: Job, outputs: Sequence[Asset]) -> Asset | None:
    """What was asked for; several methods side by side are named after themselves, and the first is it."""
    name = job.declaration.result if job.declaration else ""
    return next((output for output in outputs if output.output == name), outputs[0] if outputs else None)


def recipe_of(job: Job) -> dict[str, Any] | None:
    """By which what a job made can be made again: of a later step, that of all steps up to it."""
    recipes, here = [job.recipe], job
    while here.step:
        made_from = here.inputs.order_by("pk").select_related("asset__made_by").first()
        before = made_from.asset.made_by if made_from and made_from.asset else None
        if before is None:
            break
        recipes, here = [before.recipe, *recipes], before
    return job.recipe if len(recipes) == 1 else {"steps": recipes}


def title_of(job: Job) -> Title | str:
    return Title(job.declaration.title) if job.declaration else job.operation


def _successors(jobs: Sequence[Job], status: Job.Status) -> JobQuerySet:
    return Job.objects.filter(inputs__source__in=jobs, status=status).distinct().order_by("pk")


def _release(job: Job) -> None:
    if freed := list(_successors([job], Status.BLOCKED)):
        Job.objects.filter(pk__in=[each.pk for each in freed]).update(status=Status.QUEUED, queued_at=Now())
        enter(freed, EARLIER_STEP_DONE)
