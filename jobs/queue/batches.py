"""A batch as a whole: how it stands, and what its owner can do with all of its jobs at once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from django.db import transaction
from django.db.models.functions import Now

from jobs.errors import Refused
from jobs.messages import ALREADY_ENDED, CANCELLED_BEFORE, NOT_FAILED
from jobs.models import UNFINISHED, Batch, Job
from jobs.queue import admission, chain, deletion, line, live
from jobs.queue.events import record_all
from jobs.queue.fair_share import leave_all
from jobs.queue.lifecycle import requeue

Status = Job.Status


@dataclass(frozen=True)
class BatchState:
    """`counts` are of jobs, by status. `fraction` is 0 to 1; `eta_seconds` is until the last result, None where there is nothing to wait for."""

    counts: dict[str, int]
    fraction: float
    eta_seconds: float | None

    @property
    def unfinished(self) -> int:
        return sum(self.counts.get(status, 0) for status in UNFINISHED)

    @property
    def status(self) -> Status:
        """Of a batch that goes on: whether any of it has begun."""
        if not self.unfinished:
            return chain.ending_of(self.counts)
        begun = self.counts.keys() - {Status.BLOCKED, Status.QUEUED}
        return Status.RUNNING if begun else Status.QUEUED


def state_of(batch: Batch) -> BatchState:
    jobs = batch.jobs.only("uuid", "status", "queue", "priority", "fair_share", "expected_seconds", "batch")
    return state_of_jobs(list(jobs.order_by("pk")))


def state_of_jobs(jobs: Sequence[Job]) -> BatchState:
    """Of all jobs of a batch, in their order."""
    counts = Counter(job.status for job in jobs)
    whole = sum(job.expected_seconds for job in jobs)
    done = sum(job.expected_seconds * _fraction(job) for job in jobs)
    return BatchState(dict(counts), done / whole if whole else 0.0, _eta(jobs, whole - done))


def cancel(batch: Batch) -> None:
    """End at once what waits, ask what runs to stop; raises `Refused` where all of it has ended."""
    with transaction.atomic():
        list(Batch.objects.select_for_update().filter(pk=batch.pk).values_list("pk"))
        jobs = list(Job.objects.select_for_update().unfinished().filter(batch=batch).order_by("pk"))
        if not jobs:
            raise Refused(ALREADY_ENDED, status=409)
        waiting = [job for job in jobs if job.status != Status.RUNNING]
        Job.objects.filter(pk__in=[job.pk for job in waiting]).update(
            status=Status.CANCELLED, finished_at=Now(), cancel_requested_at=Now()
        )
        leave_all([job for job in waiting if job.status == Status.QUEUED])
        record_all(waiting, Status.CANCELLED, CANCELLED_BEFORE)
        Job.objects.filter(batch=batch, status=Status.RUNNING, cancel_requested_at=None).update(
            cancel_requested_at=Now()
        )
        for job in jobs:
            if job.status == Status.RUNNING:
                transaction.on_commit(partial(live.hurry_cancel, job.uuid))
        chain.settle(batch.pk)


def retry(batch: Batch) -> None:
    """Queue again what has failed, and what was called off because of it; raises `Refused`."""
    failed = list(batch.jobs.filter(status=Status.FAILED).order_by("pk"))
    if not failed:
        raise Refused(NOT_FAILED, status=409)
    admission.check_room(batch.owner, jobs=len(failed), megapixels=sum(job.megapixels for job in failed))
    with transaction.atomic():
        for job in failed:
            requeue(job)


def delete(batch: Batch) -> None:
    """Remove all its jobs, as each would be removed by itself, and the batch with the last of them."""
    for job in batch.jobs.order_by("-pk"):  # the last steps first, so that none is called off
        deletion.delete(job)
    Batch.objects.filter(pk=batch.pk).delete()


def _fraction(job: Job) -> float:
    if job.status == Status.RUNNING:
        return live.read(job.uuid).fraction
    return 0.0 if job.status in (Status.BLOCKED, Status.QUEUED) else 1.0


def _eta(jobs: Sequence[Job], seconds: float) -> float | None:
    """Until the last is done: what others have before it, and then what is left of its own."""
    waiting = [job for job in jobs if job.status == Status.QUEUED]
    unfinished = [job for job in jobs if job.status in UNFINISHED]
    if not unfinished:
        return None
    last = {job.queue: job for job in waiting}
    places = [place for job in last.values() if (place := line.place(job))]
    workers = max([place.workers for place in places], default=1) or 1
    own = seconds / workers
    return max([own, *(place.seconds for place in places)])
