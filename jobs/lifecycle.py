"""The rules of a job's life. Nothing else changes a job's status.

    queued ── claim ─▶ running ── finish ─▶ succeeded
      │ ▲                │ │ └─── fail ───▶ failed ── retry ─▶ queued
      │ └─ lease expired ┘ └── cancel ─────▶ cancelled
      └──── cancel ────────────────────────▶ cancelled

Every change is a compare-and-set: an UPDATE that names the status (and, for a worker, the attempt) it
expects, and does nothing when the row has moved on. A row is committed before anyone is told of it.
"""

import hashlib
import json
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from functools import partial, update_wrapper
from typing import Any

import psutil
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import Count, F, Sum
from django.db.models.functions import Coalesce, Now
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs import limits, metrics, progress, queues
from jobs.errors import Refused
from jobs.models import Job, JobEvent, JobInput, JobQuerySet, Output, Owner, Photo, Turn
from jobs.pictures import delete_files
from ml.core.errors import OperationError
from ml.core.operation import Estimate, Kind, Operation
from ml.registry import registry
from webapp import logs
from webapp.config import config

log = logging.getLogger(__name__)

MOST_LOSSES = 3
REAP_AT_ONCE = 200
Status = Job.Status


@dataclass(frozen=True)
class Claim:
    """A worker's right to a job: good for as long as the row shows this attempt running."""

    job: Job
    attempt: int


@dataclass
class Outcome:
    """What a run made, its files already stored."""

    outputs: list[Output] = field(default_factory=list)
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


# Asking for work -----------------------------------------------------------------------------------------


def submit(
    owner: Owner | None,
    operation_slug: str,
    params: Mapping[str, Any],
    inputs: Mapping[str, Sequence[Photo]],
    *,
    seed: int | None = None,
    idempotency_key: str | None = None,
    sample: bool = False,
) -> Job:
    """A queued job, committed and announced; raises `Refused` with nothing left behind.

    With an idempotency key that the owner used before, the job it made then; `Refused` if the request differs.
    """
    digest = _digest(operation_slug, params, inputs, seed) if idempotency_key else ""
    if idempotency_key and (earlier := _same_request(owner, idempotency_key, digest)):
        return earlier
    operation, parsed, estimate = check(operation_slug, params, inputs)
    if operation.members_only and owner and owner.user_id is None:
        raise Refused("members_only", _("This is for members. Sign up or log in first."), status=403)
    queue = queues.queue_of(operation)
    method = str(getattr(parsed, "method", ""))
    expected = queues.expected_seconds(operation.slug, method, estimate.seconds)
    if expected > operation.deadline_seconds:
        raise Refused(
            "too_expensive",
            _(
                "This would take about {minutes} minutes here, and the limit is {limit}. "
                "Use a smaller photo or a faster method."
            ).format(minutes=round(expected / 60), limit=round(operation.deadline_seconds / 60)),
        )
    megapixels = sum(photo.facts.megapixels for photos in inputs.values() for photo in photos)
    limits.check_job(owner, megapixels)
    turn = _turn(owner.turn_key if owner else "samples", queue)
    try:
        with transaction.atomic():  # SQLite has one writer at a time, so what only reads stays outside
            job = Job.objects.create(
                owner=owner,
                sample=sample,
                operation=operation.slug,
                operation_version=operation.version,
                method=method,
                params=parsed.model_dump(mode="json"),
                seed=_seed(operation, seed),
                megapixels=megapixels,
                queue=queue,
                turn=turn,
                declared_seconds=estimate.seconds,
                expected_seconds=expected,
                deadline_seconds=operation.deadline_seconds,
                request_id=logs.current("request"),
                idempotency_key=idempotency_key,
                idempotency_digest=digest,
            )
            JobInput.objects.bulk_create(
                JobInput(job=job, slot=slot, position=position, photo=photo)
                for slot, photos in inputs.items()
                for position, photo in enumerate(photos)
            )
            _enter(job, _("submitted"))
    except IntegrityError:
        # The same key at the same moment: the other request won.
        if idempotency_key and (earlier := _same_request(owner, idempotency_key, digest)):
            return earlier
        photos = {photo.pk for slot in inputs.values() for photo in slot}
        if Photo.objects.filter(pk__in=photos).count() < len(photos):
            raise _photo_gone() from None
        raise
    return job


def check(
    operation_slug: str, params: Mapping[str, Any], inputs: Mapping[str, Sequence[Photo]]
) -> tuple[Operation, Any, Estimate]:
    """The declaration, the parsed params and the cost of what is asked for; raises `Refused`."""
    try:
        operation = registry().get(operation_slug)
        parsed = operation.parse(params)
        facts = {slot: [photo.facts for photo in photos] for slot, photos in inputs.items()}
        operation.check_inputs(facts)
        estimate = operation.estimate(parsed, facts)
    except OperationError as error:
        raise Refused(error.code, str(error)) from None
    limit = config().max_result_megapixels
    if estimate.megapixels > limit:
        raise Refused(
            "result_too_large",
            _(
                "The result would have {size:.0f} megapixels, and the limit is {limit:.0f}. Choose a smaller size."
            ).format(size=estimate.megapixels, limit=limit),
        )
    return operation, parsed, estimate


def retry(job: Job) -> None:
    """Queue a failed job again for its owner, whose limits hold as for a new one; raises `Refused`."""
    limits.check_job(job.owner, job.megapixels)
    requeue(job)


def requeue(job: Job) -> None:
    """Queue a failed job again; raises `Refused`."""
    if job.declaration is None:
        raise Refused("unknown_operation", _("This operation is no longer offered."), status=409)
    if job.inputs.filter(photo=None).exists():
        raise _photo_gone()
    with transaction.atomic():
        retried = Job.objects.filter(pk=job.pk, status=Status.FAILED).update(
            status=Status.QUEUED,
            queued_at=Now(),
            started_at=None,
            finished_at=None,
            losses=0,
            error_code="",
            error_message="",
            cancel_requested_at=None,
        )
        if not retried:
            raise Refused("not_failed", _("Only a failed job can be tried again."), status=409)
        _enter(job, _("tried again"))


def cancel(job: Job) -> None:
    """End a queued job at once, ask a running one to stop; raises `Refused` where it has ended already."""
    with transaction.atomic():
        row = _locked(job)
        if row and row.status == Status.QUEUED:
            Job.objects.filter(pk=job.pk).update(
                status=Status.CANCELLED, finished_at=Now(), cancel_requested_at=Now()
            )
            _leave(row)
            _record(row, Status.CANCELLED, _("cancelled before it started"))
        elif row and row.status == Status.RUNNING:
            Job.objects.filter(pk=job.pk, cancel_requested_at=None).update(cancel_requested_at=Now())
            transaction.on_commit(partial(progress.hurry_cancel, job.uuid))
        else:
            raise Refused("already_ended", _("This job has ended already."), status=409)


def delete(job: Job) -> None:
    """Remove a job and its files. The worker of one that runs finds the row gone, and stops."""
    with transaction.atomic():
        row = _locked(job)
        if row is None:
            return
        if row.status == Status.QUEUED:
            _leave(row)
        outputs = list(row.outputs.all())
        # A model that was used as an input goes with the job that trained it.
        digests = [output.sha256 for output in outputs]
        models = Photo.objects.filter(owner=row.owner_id, kind=Kind.MODEL, sha256__in=digests)
        stored: list[Output | Photo] = [*outputs, *models]
        models.delete()
        row.delete()
        after_commit(_after_delete, job, stored)


def adopt(visitor: Owner, member: Owner) -> None:
    """What a visitor uploaded and made belongs to a member from now on; what waits takes the member's turn."""
    with transaction.atomic():
        waiting = Job.objects.select_for_update().queued().filter(owner=visitor).order_by("pk")
        for job in list(waiting):
            _leave(job)
            job.turn = _turn(member.turn_key, job.queue)
            Job.objects.filter(pk=job.pk).update(turn=job.turn)
            _count_in(job)
            transaction.on_commit(partial(progress.changed, job.uuid, Status.QUEUED))
        # A member may have used the same Idempotency-Key; a visitor's has done its work.
        Job.objects.filter(owner=visitor).update(owner=member, idempotency_key=None, idempotency_digest="")
        Photo.objects.filter(owner=visitor).update(owner=member)
        visitor.delete()


# Doing work ----------------------------------------------------------------------------------------------


def claim(queue: str, *, worker: str = "", pid: int | None = None, task_id: str = "") -> Claim | None:
    """Take the next job of a queue, or None where nothing waits.

    Next is: of the turns with waiting jobs, the one served least recently; of its jobs, the highest
    priority; of those, the oldest.
    """
    while turn := Turn.objects.filter(queue=queue, waiting__gt=0).order_by("last_served", "id").first():
        job = Job.objects.queued().filter(turn=turn).order_by("-priority", "id").first()
        if job is None:
            _recount(turn)
        elif claim := _take(job, worker, pid, task_id):
            return claim
    return None


def _take(job: Job, worker: str, pid: int | None, task_id: str) -> Claim | None:
    """A claim to this queued job; None where somebody else was faster."""
    with transaction.atomic():
        taken = (
            Job.objects.queued()
            .filter(pk=job.pk, turn=job.turn_id, attempt=job.attempt)
            .update(
                status=Status.RUNNING,
                attempt=job.attempt + 1,
                started_at=Now(),
                lease_expires_at=Now() + timedelta(seconds=config().lease_seconds),
                deadline_at=Now() + timedelta(seconds=job.deadline_seconds),
                worker=worker,
                worker_pid=pid,
                task_id=task_id,
            )
        )
        if not taken:
            return None
        job.status, job.attempt = Status.RUNNING, job.attempt + 1
        _leave(job, served=True)
        _record(job, Status.RUNNING, worker)
    if job.attempt == 1:  # of later ones, the wait began with an earlier run
        waited = (timezone.now() - job.queued_at).total_seconds()
        metrics.observe("wait", job.operation, max(0.0, waited))
    return Claim(job, job.attempt)


def renew(claim: Claim, seconds_left: float | None = None) -> Lease:
    """Hold on to a job for another lease.

    A worker that says how many seconds it has left moves the deadline to there: it knows, even where the
    clock has been set meanwhile.
    """
    changes: dict[str, Any] = {"lease_expires_at": Now() + timedelta(seconds=config().lease_seconds)}
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
        Output.objects.bulk_create(outcome.outputs)
        _record(claim.job, Status.SUCCEEDED)
    metrics.observe("run", claim.job.operation, outcome.run_seconds)
    return True


def fail(claim: Claim, code: str, sentence: str) -> bool:
    """End a job with an error; False, and nothing, if it is no longer this worker's."""
    return _end(claim.job, Status.FAILED, code, sentence)


def stop(claim: Claim) -> bool:
    """End a job whose cancelling its worker has heeded."""
    return _end(claim.job, Status.CANCELLED)


def hand_back(claim: Claim) -> bool:
    """Queue a job again whose worker is told to go; this does not count as a loss."""
    return _queue_again(claim.job, _("handed back by a worker that was told to go"))


# Seeing to it that nothing is stuck ----------------------------------------------------------------------


def reap() -> int:
    """Give up on lost workers, overrun deadlines and unheeded cancels, and see that waiting work has a message.

    Safe to call from several processes at once. Returns how many jobs it moved.
    """
    _heed_a_clock_set_back()
    running = Job.objects.running()
    grace = timedelta(seconds=config().cancel_grace_seconds)
    unheeded = running.filter(cancel_requested_at__lt=Now() - grace)
    # Where the lease has ended too, the job was lost, not slow: the machine was off, or its clock was set.
    overrun = running.filter(deadline_at__lt=Now() - grace, lease_expires_at__gte=Now())
    moved = 0
    for job in unheeded[:REAP_AT_ONCE]:
        if _end(job, Status.CANCELLED):
            queues.end_child(job)
            moved += 1
    for job in overrun[:REAP_AT_ONCE]:
        if _end(job, Status.FAILED, "deadline", deadline_sentence(job)):
            queues.end_child(job)
            moved += 1
    for job in running.filter(lease_expires_at__lt=Now())[:REAP_AT_ONCE]:
        moved += lose(job)
    for queue in Turn.objects.filter(waiting__gt=0).values_list("queue", flat=True).distinct():
        queues.announce_if_silent(queue)
    return moved


def _heed_a_clock_set_back() -> None:
    """No lease reaches further than a lease from now, and no turn was served in the future."""
    longest = Now() + timedelta(seconds=config().lease_seconds)
    too_long = Job.objects.running().filter(lease_expires_at__gt=longest)
    yet_to_come = Turn.objects.filter(waiting__gt=0, last_served__gt=Now())
    if too_long.exists():  # asked first, since an UPDATE of nothing locks SQLite too
        too_long.update(lease_expires_at=longest)
    if yet_to_come.exists():
        yet_to_come.update(last_served=Now())


def lose(job: Job) -> bool:
    """Give a job up whose worker is gone: queue it again, or fail it after the third loss."""
    if job.losses + 1 >= MOST_LOSSES and not job.cancel_requested_at:
        sentence = _(
            "The worker was lost {count} times while it ran this job. It may need more memory than there is: "
            "try a smaller photo, or tell the admin."
        ).format(count=MOST_LOSSES)
        return _end(job, Status.FAILED, "worker_lost", sentence, losses=MOST_LOSSES)
    return _queue_again(job, _("its worker was lost"), losses=job.losses + 1)


def lose_dead_children(worker: str) -> None:
    """Give up at once the jobs of this worker's children that are no more, rather than when their leases end.

    Called in a child of the same worker, so that process ids mean the same.
    """
    for job in Job.objects.running().filter(worker=worker):
        if job.worker_pid and not psutil.pid_exists(job.worker_pid):
            lose(job)


def folder_of(job: Job) -> str:
    """Where the running attempt of a job stores its files."""
    return f"outputs/{str(job.uuid)[:2]}/{job.uuid}/{job.attempt}"


def discard(job: Job) -> None:
    """Delete what an attempt has stored that did not make a success of the job."""
    try:
        _folders, names = default_storage.listdir(folder_of(job))
    except FileNotFoundError:
        return
    for name in names:
        default_storage.delete(f"{folder_of(job)}/{name}")


def deadline_sentence(job: Job) -> str:
    return _(
        "This took longer than the {minutes:g} minutes it may. Use a smaller photo or a faster method."
    ).format(minutes=round(job.deadline_seconds / 60, 1))


# The pieces ----------------------------------------------------------------------------------------------


def _attempt(job: Job) -> JobQuerySet:
    """The row, if it still stands at this attempt."""
    return Job.objects.filter(pk=job.pk, attempt=job.attempt)


def _held(job: Job) -> JobQuerySet:
    """The row, if it still shows this attempt running."""
    return _attempt(job).running()


def _end(job: Job, status: Status, code: str = "", sentence: str = "", **changes: Any) -> bool:
    """End a running job without a result, and throw away what its attempt has stored."""
    with transaction.atomic():
        ended = _held(job).update(
            status=status, finished_at=Now(), error_code=code, error_message=sentence, **changes
        )
        if ended:
            _record(job, status, code)
            after_commit(discard, job)
    return bool(ended)


def _queue_again(job: Job, reason: str, **changes: Any) -> bool:
    """Queue a running job again, or end it where somebody wants it cancelled."""
    with transaction.atomic():
        queued = (
            _held(job)
            .filter(cancel_requested_at=None)
            .update(status=Status.QUEUED, started_at=None, lease_expires_at=None, deadline_at=None, **changes)
        )
        if not queued:
            return _end(job, Status.CANCELLED)
        _enter(job, reason)
        after_commit(discard, job)
    return True


def _enter(job: Job, reason: str) -> None:
    """The job counts as waiting; once that is committed, a worker is told."""
    _count_in(job)
    _record(job, Status.QUEUED, reason)
    transaction.on_commit(partial(queues.announce, job.queue))


def _count_in(job: Job) -> None:
    Turn.objects.filter(pk=job.turn_id).update(
        waiting=F("waiting") + 1, waiting_seconds=F("waiting_seconds") + job.expected_seconds
    )


def _leave(job: Job, *, served: bool = False) -> None:
    """The job no longer counts as waiting."""
    changes: dict[str, Any] = {
        "waiting": F("waiting") - 1,
        "waiting_seconds": F("waiting_seconds") - job.expected_seconds,
    }
    # The turn as it is now: the job may have changed hands since it was read.
    turn = Turn.objects.filter(pk__in=Job.objects.filter(pk=job.pk).values("turn"))
    turn.update(**changes, **({"last_served": Now()} if served else {}))


def _record(job: Job, status: Status, detail: str = "") -> None:
    """A line in the timeline; once it is committed, the pages that show the job are out of date."""
    JobEvent.objects.create(job=job, status=status, attempt=job.attempt, detail=detail[:200])
    transaction.on_commit(partial(progress.changed, job.uuid, status))
    with logs.about(job=str(job.uuid), request=logs.current("request") or job.request_id):
        log.info("job %s (%s): %s%s", job.uuid, job.operation, status, f", {detail}" if detail else "")


def _recount(turn: Turn) -> None:
    """Count a turn's jobs anew: some went with their owner, who was deleted."""
    with transaction.atomic():
        Turn.objects.select_for_update().get(pk=turn.pk)
        waiting = Job.objects.queued().filter(turn=turn)
        found = waiting.aggregate(waiting=Count("pk"), waiting_seconds=Coalesce(Sum("expected_seconds"), 0.0))
        Turn.objects.filter(pk=turn.pk).update(**found)


def _locked(job: Job) -> Job | None:
    """The row as it is, which nobody changes until the transaction ends; None where it is gone."""
    return Job.objects.select_for_update().filter(pk=job.pk).first()


def _turn(key: str, queue: str) -> Turn:
    return Turn.objects.get_or_create(key=key, queue=queue)[0]


def _photo_gone() -> Refused:
    return Refused("photo_gone", _("A photo of this job has been deleted. Upload it again."), status=409)


def _seed(operation: Operation, seed: int | None) -> int:
    if seed is not None:
        return seed
    return random.SystemRandom().randrange(2**31) if operation.random else 0


def _digest(
    slug: str, params: Mapping[str, Any], inputs: Mapping[str, Sequence[Photo]], seed: int | None
) -> str:
    request = [
        slug,
        dict(params),
        {slot: [str(photo.pk) for photo in photos] for slot, photos in inputs.items()},
        seed,
    ]
    return hashlib.sha256(json.dumps(request, sort_keys=True, default=str).encode()).hexdigest()


def _same_request(owner: Owner | None, key: str, digest: str) -> Job | None:
    earlier = Job.objects.filter(owner=owner, idempotency_key=key).first()
    if earlier and earlier.idempotency_digest != digest:
        raise Refused(
            "idempotency_conflict",
            _("This Idempotency-Key was used for another request. Use a new key for a new job."),
            status=409,
        )
    return earlier


def after_commit(clear: Callable[..., None], *arguments: Any) -> None:
    """Clear away after the commit; what cannot be is logged, and left to the cleaner."""
    # Django's log names the function, and a partial has none of its own.
    transaction.on_commit(update_wrapper(partial(clear, *arguments), clear), robust=True)


def _after_delete(job: Job, stored: Sequence[Output | Photo]) -> None:
    progress.hurry_cancel(job.uuid)
    progress.forget(job.uuid)
    for row in stored:
        delete_files(row)
