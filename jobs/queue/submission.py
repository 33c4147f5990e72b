"""The only way in: what somebody asks for becomes queued jobs, or a refusal that leaves nothing behind."""

import hashlib
import json
import random
from typing import Any

from django.db import IntegrityError, transaction

from jobs import logs
from jobs.errors import Refused
from jobs.messages import IDEMPOTENCY_CONFLICT, SUBMITTED
from jobs.models import Asset, FairShare, Job, JobInput
from jobs.queue import admission
from jobs.queue.fair_share import fair_share_of
from jobs.queue.lifecycle import enter, photo_gone, requeue
from jobs.queue.quote import Quote, QuotedJob, quote
from jobs.queue.request import Request
from ml.core.operation import Operation, Params


def submit(request: Request) -> list[Job]:
    """The queued jobs of a request, committed and announced; raises `Refused` with nothing left behind.

    It is quoted, admitted and inserted, as a whole. With an idempotency key that the owner used before, the job it
    made then; `Refused` if the request differs.
    """
    digest = _digest(request) if request.idempotency_key else ""
    if earlier := _earlier(request, digest):
        return [earlier]
    quoted = quote(request)
    admission.admit(request.owner, quoted)
    fair_share = fair_share_of(request.owner.fair_share_key if request.owner else "samples", quoted.queue)
    try:
        with transaction.atomic():  # SQLite has one writer at a time, so what only reads stays outside
            return _insert(request, quoted, fair_share, digest)
    except IntegrityError:
        if earlier := _earlier(request, digest):  # the same key at the same moment: the other request won
            return [earlier]
        assets = {asset.pk for asset in request.assets}
        if Asset.objects.filter(pk__in=assets).count() < len(assets):
            raise photo_gone() from None
        raise


def retry(job: Job) -> None:
    """Queue a failed job again for its owner, whose limits hold as for a new one; raises `Refused`."""
    admission.check_room(job.owner, jobs=1, megapixels=job.megapixels)
    requeue(job)


def _insert(request: Request, quoted: Quote, fair_share: FairShare, digest: str) -> list[Job]:
    jobs = [Job.objects.create(**_row(request, quoted, each, fair_share, digest)) for each in quoted.jobs]
    JobInput.objects.bulk_create(
        JobInput(job=job, slot=slot, position=position, asset=asset)
        for job, each in zip(jobs, quoted.jobs, strict=True)
        for slot, assets in each.inputs.items()
        for position, asset in enumerate(assets)
    )
    enter(jobs, SUBMITTED)
    return jobs


def _row(
    request: Request, quoted: Quote, each: QuotedJob, fair_share: FairShare, digest: str
) -> dict[str, Any]:
    return {
        "owner": request.owner,
        "sample": request.sample,
        "operation": quoted.operation.slug,
        "operation_version": quoted.operation.version,
        "method": quoted.method,
        "params": quoted.params.model_dump(mode="json"),
        "seed": _seed(quoted.operation, request.step.seed),
        "megapixels": each.megapixels,
        "queue": quoted.queue,
        "fair_share": fair_share,
        "declared_seconds": each.estimate.seconds,
        "expected_seconds": each.expected_seconds,
        "deadline_seconds": quoted.operation.deadline_seconds,
        "request_id": logs.current("request"),
        "idempotency_key": request.idempotency_key or None,
        "idempotency_digest": digest,
    }


def _seed(operation: Operation, seed: int | None) -> int:
    if seed is not None:
        return seed
    return random.SystemRandom().randrange(2**31) if operation.random else 0


def _digest(request: Request) -> str:
    params = request.step.params
    (inputs,) = request.inputs
    asked = [
        request.step.operation,
        params.model_dump(mode="json") if isinstance(params, Params) else dict(params),
        {slot: [str(asset.pk) for asset in assets] for slot, assets in inputs.items()},
        request.step.seed,
    ]
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def _earlier(request: Request, digest: str) -> Job | None:
    """The job that the owner made with the same key; raises `Refused` where it was for something else."""
    if not request.idempotency_key:
        return None
    earlier = Job.objects.filter(owner=request.owner, idempotency_key=request.idempotency_key).first()
    if earlier and earlier.idempotency_digest != digest:
        raise Refused(IDEMPOTENCY_CONFLICT, status=409)
    return earlier
