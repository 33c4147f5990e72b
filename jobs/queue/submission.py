"""The only way in: what somebody asks for becomes queued jobs, or a refusal that leaves nothing behind."""

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from jobs import logs
from jobs.errors import Refused
from jobs.models import Job, JobInput, Owner, Photo
from jobs.queue import admission, broker, estimates
from jobs.queue.fair_share import turn_of
from jobs.queue.lifecycle import enter, photo_gone, requeue
from ml.core.errors import OperationError
from ml.core.operation import Estimate, Operation
from ml.registry import registry


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
    queue = broker.queue_of(operation)
    method = str(getattr(parsed, "method", ""))
    expected = estimates.expected_seconds(operation.slug, method, estimate.seconds)
    if expected > operation.deadline_seconds:
        raise Refused(
            "too_expensive",
            _(
                "This would take about {minutes} minutes here, and the limit is {limit}. "
                "Use a smaller photo or a faster method."
            ).format(minutes=round(expected / 60), limit=round(operation.deadline_seconds / 60)),
        )
    megapixels = sum(photo.facts.megapixels for photos in inputs.values() for photo in photos)
    admission.check_job(owner, megapixels)
    turn = turn_of(owner.turn_key if owner else "samples", queue)
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
            enter(job, _("submitted"))
    except IntegrityError:
        # The same key at the same moment: the other request won.
        if idempotency_key and (earlier := _same_request(owner, idempotency_key, digest)):
            return earlier
        photos = {photo.pk for slot in inputs.values() for photo in slot}
        if Photo.objects.filter(pk__in=photos).count() < len(photos):
            raise photo_gone() from None
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
    limit = settings.LATENT.max_result_megapixels
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
    admission.check_job(job.owner, job.megapixels)
    requeue(job)


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
