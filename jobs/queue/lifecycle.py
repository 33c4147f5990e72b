"""The rules of a job's life. Nothing else changes a job's status.

    blocked ── the step before it succeeds ─▶ queued, or it does not ─▶ cancelled
    queued ── claim ─▶ running ── finish ─▶ succeeded
      │ ▲                │ │ └─── fail ───▶ failed ── retry ─▶ queued
      │ └─ lease expired ┘ └── cancel ─────▶ cancelled
      └──── cancel ────────────────────────▶ cancelled

Every change is a compare-and-set: an UPDATE that names the status (and, for a worker, the attempt) it
expects, and does nothing when the row has moved on. A row is committed before anyone is told of it.
"""

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from jobs.errors import Refused
from jobs.messages import (
    ALREADY_ENDED,
    CANCELLED_BEFORE,
    DEADLINE,
    HANDED_BACK,
    LOST,
    NO_LONGER_OFFERED,
    NOT_FAILED,
    PHOTO_DELETED,
    TAKEN_BY,
    TRIED_AGAIN,
    WORKER_LOST,
)
from jobs.models import Asset, Job, JobQuerySet
from jobs.queue import chain, live, results, timings
from jobs.queue.entry import enter
from jobs.queue.events import record
from jobs.queue.fair_share import leave, recount_next, serve
from jobs.storage.outputs import after_commit, discard
from ml.core.text import Message

log = logging.getLogger(__name__)
MOST_LOSSES = 3
Status = Job.Status


@dataclass(frozen=True)
class Claim:
    """A worker's right to a job: good for as long as the row shows this attempt running."""

    job: Job
    attempt: int


@dataclass
class Outcome:
    """What a run made, its files already stored."""

    outputs: list[Asset] = field(default_factory=list)
    metrics: dict[str, float | None] = field(default_factory=dict)
    labels: list[dict[str, Any]] = field(default_factory=list)
    series: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    run_seconds: float = 0.0


class Lease(Enum):
    """What a worker learns when it renews its lease."""

    HELD = "held"
    CANCEL_REQUESTED = "cancel requested"
    LOST = "lost"


def requeue(job: Job) -> None:
    """Queue a failed job again; raises `Refused`."""
    if job.declaration is None:
        raise Refused(NO_LONGER_OFFERED, code="unknown_operation", status=409)
    if job.inputs.filter(asset=None).exists():
        raise photo_gone()
    with transaction.atomic():
        chain.hold(job)
        retried = Job.objects.filter(pk=job.pk, status=Status.FAILED).update(
            status=Status.QUEUED,
            queued_at=Now(),
            started_at=None,
            finished_at=None,
            losses=0,
            error_code="",
            error=None,
            error_text="",
            cancel_requested_at=None,
        )
        if not retried:
            raise Refused(NOT_FAILED, status=409)
        enter([job], TRIED_AGAIN)
        chain.wait_again(job)


def cancel(job: Job) -> None:
    """End a job that waits at once, ask a running one to stop; raises `Refused` where it has ended already."""
    with transaction.atomic():
        row = locked(job)
        if row and row.status in (Status.BLOCKED, Status.QUEUED):
            Job.objects.filter(pk=job.pk).update(
                status=Status.CANCELLED, finished_at=Now(), cancel_requested_at=Now()
            )
            if row.status == Status.QUEUED:
                leave(row)
            record(row, Status.CANCELLED, CANCELLED_BEFORE)
            chain.break_off(row)
        elif row and row.status == Status.RUNNING:
            Job.objects.filter(pk=job.pk, cancel_requested_at=None).update(cancel_requested_at=Now())
            transaction.on_commit(partial(live.hurry_cancel, job.uuid))
        else:
            raise Refused(ALREADY_ENDED, status=409)


# In SQL, since it is asked for every job: a fourth of what the same costs by way of the ORM.
NEXT = """
SELECT * FROM jobs_job
WHERE status = 'queued' AND fair_share_id = (
    SELECT id FROM jobs_fairshare WHERE queue = %s AND waiting > 0 ORDER BY last_served, id LIMIT 1
)
ORDER BY priority DESC, id LIMIT 1
"""


def claim(queue: str, *, worker: str = "", pid: int | None = None, task_id: str = "") -> Claim | None:
    """Take the next job of a queue, or None where nothing waits.

    Next is: of the fair shares with waiting jobs, the one served least recently; of its jobs, the highest
    priority; of those, the oldest.
    """
    while True:
        job = next(iter(Job.objects.raw(NEXT, [queue])), None)
        if job and (claim := _take(job, worker, pid, task_id)):
            return claim
        if job is None and not recount_next(queue):
            return None


def _take(job: Job, worker: str, pid: int | None, task_id: str) -> Claim | None:
    """A claim to this queued job; None where somebody else was faster."""
    with transaction.atomic():
        taken = (
            Job.objects.queued()
            .filter(pk=job.pk, fair_share=job.fair_share_id, attempt=job.attempt)
            .update(
                status=Status.RUNNING,
                attempt=job.attempt + 1,
                started_at=Now(),
                lease_expires_at=Now() + timedelta(seconds=settings.LATENT.lease_seconds),
                deadline_at=Now() + timedelta(seconds=job.deadline_seconds),
                worker=worker,
                worker_pid=pid,
                task_id=task_id,
            )
        )
        if not taken:
            return None
        job.status, job.attempt = Status.RUNNING, job.attempt + 1
        serve(job)
        record(job, Status.RUNNING, TAKEN_BY(worker=worker) if worker else None)
    if job.attempt == 1:  # of later ones, the wait began with an earlier run
        waited = (timezone.now() - job.queued_at).total_seconds()
        timings.observe("wait", job.operation, max(0.0, waited))
    return Claim(job, job.attempt)


def renew(claim: Claim, seconds_left: float | None = None) -> Lease:
    """Hold on to a job for another lease.

    A worker that says how many seconds it has left moves the deadline to there: it knows, even where the
    clock has been set meanwhile.
    """
    changes: dict[str, Any] = {"lease_expires_at": Now() + timedelta(seconds=settings.LATENT.lease_seconds)}
    if seconds_left is not None:
        changes["deadline_at"] = Now() + timedelta(seconds=seconds_left)
    if _held(claim.job).filter(cancel_requested_at=None).update(**changes):
        return Lease.HELD
    return Lease.CANCEL_REQUESTED if _held(claim.job).exists() else Lease.LOST


def finish(claim: Claim, outcome: Outcome) -> bool:
    """Make the outputs visible and the job a success; False, and nothing, if it is no longer this worker's.

    True as well if it had done so before: where the answer to a commit was lost, the worker asks again.
    """
    with transaction.atomic():
        chain.hold(claim.job)
        finished = (
            _held(claim.job)
            .filter(cancel_requested_at=None)
            .update(
                status=Status.SUCCEEDED,
                finished_at=Now(),
                run_seconds=outcome.run_seconds,
                metrics=outcome.metrics,
                labels=outcome.labels,
                series=outcome.series,
                recipe=outcome.recipe,
            )
        )
        if not finished:
            return _attempt(claim.job).filter(status=Status.SUCCEEDED).exists()
        results.add(claim.job, outcome.outputs, outcome.labels)
        record(claim.job, Status.SUCCEEDED)
        chain.go_on(claim.job, outcome.outputs)
    timings.observe("run", claim.job.operation, outcome.run_seconds)
    return True


def fail(claim: Claim, code: str, message: Message) -> bool:
    """End a job with an error; False, and nothing, if it is no longer this worker's."""
    return end(claim.job, Status.FAILED, code, message)


def stop(claim: Claim) -> bool:
    """End a job whose cancelling its worker has heeded."""
    return end(claim.job, Status.CANCELLED)


def hand_back(claim: Claim) -> bool:
    """Queue a job again whose worker is told to go; this does not count as a loss."""
    return _queue_again(claim.job, HANDED_BACK)


def lose(job: Job) -> bool:
    """Give a job up whose worker is gone: queue it again, or fail it after the third loss."""
    if job.losses + 1 >= MOST_LOSSES and not job.cancel_requested_at:
        return end(job, Status.FAILED, "worker_lost", WORKER_LOST(count=MOST_LOSSES), losses=MOST_LOSSES)
    return _queue_again(job, LOST, losses=job.losses + 1)


def past_deadline(job: Job) -> Message:
    return DEADLINE(minutes=round(job.deadline_seconds / 60, 1))


def _attempt(job: Job) -> JobQuerySet:
    """The row, if it still stands at this attempt."""
    return Job.objects.filter(pk=job.pk, attempt=job.attempt)


def _held(job: Job) -> JobQuerySet:
    """The row, if it still shows this attempt running."""
    return _attempt(job).running()


def end(job: Job, status: Status, code: str = "", message: Message | None = None, **changes: Any) -> bool:
    """End a running job without a result, and throw away what its attempt has stored."""
    with transaction.atomic():
        chain.hold(job)
        ended = _held(job).update(
            status=status,
            finished_at=Now(),
            error_code=code,
            error=message and message.as_json(),
            **changes,
        )
        if ended:
            record(job, status, message, code)
            chain.break_off(job)
            after_commit(discard, job)
    return bool(ended)


def _queue_again(job: Job, reason: Message, **changes: Any) -> bool:
    """Queue a running job again, or end it where somebody wants it cancelled."""
    with transaction.atomic():
        queued = (
            _held(job)
            .filter(cancel_requested_at=None)
            .update(status=Status.QUEUED, started_at=None, lease_expires_at=None, deadline_at=None, **changes)
        )
        if not queued:
            return end(job, Status.CANCELLED)
        enter([job], reason)
        after_commit(discard, job)
    return True


def locked(job: Job) -> Job | None:
    """The row as it is, which nobody changes until the transaction ends; None where it is gone."""
    chain.hold(job)
    return Job.objects.select_for_update().filter(pk=job.pk).first()


def photo_gone() -> Refused:
    return Refused(PHOTO_DELETED, code="photo_gone", status=409)
