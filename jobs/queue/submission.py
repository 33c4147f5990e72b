"""The only way in: what somebody asks for becomes queued jobs, or a refusal that leaves nothing behind."""

import hashlib
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction

from jobs import logs
from jobs.errors import Refused
from jobs.messages import IDEMPOTENCY_CONFLICT, SUBMITTED, WAITS_FOR_STEP
from jobs.models import Asset, Batch, FairShare, Job, JobInput, Owner
from jobs.queue import admission
from jobs.queue.entry import enter
from jobs.queue.events import record_all
from jobs.queue.fair_share import fair_share_of
from jobs.queue.lifecycle import photo_gone, requeue
from jobs.queue.quote import Quote, QuotedJob, quote
from jobs.queue.request import Inputs, Request, Step
from ml.core.operation import Operation, Params

INSERTED_AT_ONCE = 500


def submit(request: Request) -> list[Job]:
    """The jobs of a request, committed and announced; raises `Refused` with nothing left behind.

    It is quoted, admitted and inserted, as a whole. With an idempotency key that the owner used before, the jobs it
    made then; `Refused` if the request differs.
    """
    digest = _digest(request) if request.idempotency_key else ""
    if earlier := _earlier(request, digest):
        return earlier
    quoted = quote(request)
    admission.admit(request.owner, quoted)
    shares = _shares(request.owner, quoted)
    try:
        with transaction.atomic():  # SQLite has one writer at a time, so what only reads stays outside
            return _insert(request, quoted, shares, digest)
    except IntegrityError:
        if earlier := _earlier(request, digest):  # the same key at the same moment: the other request won
            return earlier
        assets = {asset.pk for asset in request.assets}
        if Asset.objects.filter(pk__in=assets).count() < len(assets):
            raise photo_gone() from None
        raise


def retry(job: Job) -> None:
    """Queue a failed job again for its owner, whose limits hold as for a new one; raises `Refused`."""
    admission.check_room(job.owner, jobs=1, megapixels=job.megapixels)
    requeue(job)


def _shares(owner: Owner | None, quoted: Quote) -> dict[str, FairShare]:
    """By queue."""
    key = owner.fair_share_key if owner else "samples"
    return {queue: fair_share_of(key, queue) for queue in sorted({job.step.queue for job in quoted.jobs})}


def _insert(request: Request, quoted: Quote, shares: Mapping[str, FairShare], digest: str) -> list[Job]:
    seeds = [_seed(step.operation, step.asked.seed) for step in quoted.steps]
    batch = _batch(request, quoted, seeds, digest)
    jobs = [
        _job(request, batch, each, seeds[each.position], shares[each.step.queue], digest)
        for each in quoted.jobs
    ]
    Job.objects.bulk_create(jobs, INSERTED_AT_ONCE)
    JobInput.objects.bulk_create(_inputs(jobs, quoted), INSERTED_AT_ONCE)
    enter([job for job in jobs if job.status == Job.Status.QUEUED], SUBMITTED)
    record_all([job for job in jobs if job.status == Job.Status.BLOCKED], Job.Status.BLOCKED, WAITS_FOR_STEP)
    return jobs


def _batch(request: Request, quoted: Quote, seeds: Sequence[int], digest: str) -> Batch | None:
    """None for a job that stands for itself, and for what the site does for itself."""
    alone = request.name is None and len(quoted.steps) == len(quoted.jobs) == 1
    if request.owner is None or alone:
        return None
    return Batch.objects.create(
        owner=request.owner,
        name=request.name or "",
        photos=[str(asset.pk) for inputs in request.inputs for assets in inputs.values() for asset in assets],
        steps=[{**step.kept, "seed": seed} for step, seed in zip(quoted.steps, seeds, strict=True)],
        idempotency_key=request.idempotency_key or None,
        idempotency_digest=digest,
    )


def _job(
    request: Request, batch: Batch | None, each: QuotedJob, seed: int, fair_share: FairShare, digest: str
) -> Job:
    step = each.step
    return Job(
        owner=request.owner,
        sample=request.sample,
        batch=batch,
        item=each.item,
        step=each.position,
        status=Job.Status.BLOCKED if each.follows else Job.Status.QUEUED,
        operation=step.operation.slug,
        operation_version=step.operation.version,
        method=step.method,
        params=step.params.model_dump(mode="json"),
        seed=seed,
        megapixels=each.megapixels,
        queue=step.queue,
        fair_share=fair_share,
        declared_seconds=each.estimate.seconds,
        expected_seconds=each.expected_seconds,
        deadline_seconds=step.operation.deadline_seconds,
        request_id=logs.current("request"),
        idempotency_key=None if batch else request.idempotency_key or None,
        idempotency_digest="" if batch else digest,
    )


def _inputs(jobs: list[Job], quoted: Quote) -> Iterator[JobInput]:
    before: Job | None = None
    for job, each in zip(jobs, quoted.jobs, strict=True):
        if each.follows:
            yield JobInput(job=job, slot=each.follows, source=before)
        for slot, assets in each.inputs.items():
            for position, asset in enumerate(assets):
                yield JobInput(job=job, slot=slot, position=position, asset=asset)
        before = job


def _seed(operation: Operation, seed: int | None) -> int:
    if seed is not None:
        return seed
    return random.SystemRandom().randrange(2**31) if operation.random else 0


def _digest(request: Request) -> str:
    """Of what is asked for: of one job as versions before had it, so that a request that they answered is known again."""
    asked: list[Any]
    if request.name is None and len(request.steps) == len(request.inputs) == 1:
        (step,), (inputs,) = request.steps, request.inputs
        operation, params, seed, others = _named(step)
        asked = [operation, params, {**_ids(inputs), **others}, seed]
    else:
        asked = [
            [_named(step) for step in request.steps],
            [_ids(each) for each in request.inputs],
            request.name,
        ]
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def _named(step: Step) -> list[Any]:
    params = step.params.model_dump(mode="json") if isinstance(step.params, Params) else dict(step.params)
    return [step.operation, params, step.seed, _ids(step.inputs)]


def _ids(inputs: Inputs) -> dict[str, list[str]]:
    return {slot: [str(asset.pk) for asset in assets] for slot, assets in inputs.items()}


def _earlier(request: Request, digest: str) -> list[Job]:
    """The jobs that the owner made with the same key; raises `Refused` where they were for something else."""
    if not request.idempotency_key:
        return []
    mine = {"owner": request.owner, "idempotency_key": request.idempotency_key}
    earlier: Job | Batch | None = Job.objects.filter(**mine).first() or Batch.objects.filter(**mine).first()
    if earlier and earlier.idempotency_digest != digest:
        raise Refused(IDEMPOTENCY_CONFLICT, status=409)
    if isinstance(earlier, Batch):
        return list(earlier.jobs.order_by("pk"))
    return [earlier] if earlier else []
