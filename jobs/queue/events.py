"""The timeline of a job and the outbox in one: each line is written in the transaction of the change."""

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db import transaction

from jobs import logs
from jobs.models import Batch, Job, JobEvent
from jobs.queue import live
from ml.core.text import Message

log = logging.getLogger(__name__)


def record(job: Job, status: Job.Status, message: Message | None = None, error_code: str = "") -> None:
    """A line in the timeline; once it is committed, the pages that show the job are out of date."""
    record_all([job], status, message, error_code)


def record_all(
    jobs: Sequence[Job], status: Job.Status, message: Message | None = None, error_code: str = ""
) -> None:
    """The same line in the timeline of each."""
    if not jobs:
        return
    JobEvent.objects.bulk_create(
        JobEvent(
            job=job,
            status=status,
            attempt=job.attempt,
            code=message.code if message else "",
            values=message.plain_values() if message else {},
            snapshot=_snapshot(job, status, message, error_code),
        )
        for job in jobs
    )
    transaction.on_commit(partial(live.changed, status, *(job.uuid for job in jobs)))
    for job in jobs:
        with logs.about(job=str(job.uuid), request=logs.current("request") or job.request_id):
            log.info(
                "job %s (%s): %s%s",
                job.uuid,
                job.operation,
                status,
                f", {error_code or message}" if message else "",
            )


def record_end(batch: Batch, status: Job.Status, counts: dict[str, int]) -> None:
    """The last of the jobs of a batch has ended; `counts` are theirs, by status."""
    snapshot = {
        "type": f"batch.{status}",
        "batch": str(batch.id),
        "owner": str(batch.owner_id),
        "name": batch.name,
        "status": str(status),
        "counts": counts,
    }
    JobEvent.objects.create(batch=batch, status=status, attempt=0, snapshot=snapshot)
    transaction.on_commit(partial(live.ended, batch.id, status))
    log.info("batch %s: %s", batch.id, status)


def _snapshot(job: Job, status: Job.Status, message: Message | None, error_code: str) -> dict[str, Any]:
    """What is delivered of it, which may be when the job is gone or has moved on."""
    error = (
        {"code": error_code, "reason": message.code, "values": message.plain_values()} if message else None
    )
    return {
        "job": str(job.uuid),
        "batch": str(job.batch_id) if job.batch_id else None,
        "owner": str(job.owner_id) if job.owner_id else None,
        "operation": job.operation,
        "status": str(status),
        "attempt": job.attempt,
        "error": error if error_code else None,
    }
