"""The lines of a job's timeline, each written in the transaction of the change."""

import logging
from functools import partial

from django.db import transaction

from jobs import logs
from jobs.models import Job, JobEvent
from jobs.queue import live

log = logging.getLogger(__name__)


def record(job: Job, status: Job.Status, detail: str = "") -> None:
    """A line in the timeline; once it is committed, the pages that show the job are out of date."""
    JobEvent.objects.create(job=job, status=status, attempt=job.attempt, detail=detail[:200])
    transaction.on_commit(partial(live.changed, job.uuid, status))
    with logs.about(job=str(job.uuid), request=logs.current("request") or job.request_id):
        log.info("job %s (%s): %s%s", job.uuid, job.operation, status, f", {detail}" if detail else "")
