"""Jobs enter the line."""

from collections.abc import Sequence
from functools import partial

from django.db import transaction

from jobs.models import Job
from jobs.queue import broker
from jobs.queue.events import record_all
from jobs.queue.fair_share import count_in
from ml.core.text import Message


def enter(jobs: Sequence[Job], reason: Message) -> None:
    """Queued jobs count as waiting; once that is committed, a worker of each queue is told."""
    count_in(jobs)
    record_all(jobs, Job.Status.QUEUED, reason)
    for queue in sorted({job.queue for job in jobs}):
        transaction.on_commit(partial(broker.announce, queue))
