"""Queues and workers: who is where in line, for how long, and what the broker and the workers say."""

import json
import logging
import os
import platform
import statistics
import time
from dataclasses import asdict, dataclass
from typing import Any

import psutil
import redis
from django.db import connection
from django.db.models import F, Sum, Value
from django.db.models.functions import Least
from django.utils import timezone
from kombu.exceptions import OperationalError

from jobs import progress
from jobs.models import Job, Turn
from ml.core.operation import Operation
from webapp import logs
from webapp.celery import app
from webapp.config import config

log = logging.getLogger(__name__)

HISTORY = 100
ENOUGH = 3
ALIKE = 4.0  # a small photo's overhead says nothing of a large one
SEEN_SECONDS, KNOWN_SECONDS = 60, 3600
WORK = "jobs.tasks.work"
WORKERS = "latent:workers"


def queue_of(operation: Operation) -> str:
    """The queue in which jobs of an operation wait."""
    return "gpu" if operation.accelerator == "gpu-preferred" and config().gpu_queue else "cpu"


# Messages ------------------------------------------------------------------------------------------------


def announce(queue: str) -> None:
    """Tell a worker that there is work in this queue. A hint: where the broker is away, `reap` says it again."""
    try:
        app.send_task(WORK, args=[queue], queue=queue, retry=False)
    except (OperationalError, redis.RedisError, OSError) as error:
        log.warning("no worker could be told of work in the queue %s: %s", queue, error)


def announce_rest(queue: str) -> None:
    """After a job: announce what still waits in its queue, unless a message waits there already."""
    if Turn.objects.filter(queue=queue, waiting__gt=0).exists():
        announce_if_silent(queue)


def announce_if_silent(queue: str) -> None:
    """Announce work in a queue in which no message waits."""
    try:
        waiting = progress.client().llen(queue)
    except redis.RedisError:
        return
    if not waiting:
        announce(queue)


def end_child(job: Job) -> None:
    """End the process that runs a job which does not heed. The worker starts another child."""
    if not job.task_id:
        return
    try:
        app.control.revoke(
            job.task_id, terminate=True, signal="SIGKILL", destination=[job.worker] if job.worker else None
        )
    except (OperationalError, redis.RedisError, OSError) as error:
        with logs.about(job=str(job.uuid), request=job.request_id):
            log.warning("the child that runs job %s could not be ended: %s", job.uuid, error)


# Places and times ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A place in line: `position` 1 is the next to start, `seconds` the expected wait until the start.

    `workers` is how many take work from that queue.
    """

    position: int
    seconds: float
    workers: int


# In SQL, since a page that waits asks for it again and again: a fifth of what the same costs by way of the ORM.
# Turns go round: before the k-th job of a turn starts, every other turn is served as often as it has jobs,
# but at most k times where it goes before this one, k - 1 times where it goes after.
PLACE = """
WITH mine AS (
    SELECT id, queue, last_served FROM jobs_turn WHERE id = %(turn)s
),
ahead AS (
    SELECT COUNT(*) AS jobs, COALESCE(SUM(expected_seconds), 0) AS seconds
    FROM jobs_job
    WHERE status = 'queued' AND turn_id = %(turn)s
        AND (priority > %(priority)s OR (priority = %(priority)s AND id < %(job)s))
),
others AS (
    SELECT
        turn.waiting,
        turn.waiting_seconds,
        ahead.jobs + CASE
            WHEN turn.last_served < mine.last_served THEN 1
            WHEN turn.last_served = mine.last_served AND turn.id < mine.id THEN 1
            ELSE 0
        END AS rounds
    FROM mine CROSS JOIN ahead CROSS JOIN jobs_turn AS turn
    WHERE turn.queue = mine.queue AND turn.waiting > 0 AND turn.id <> mine.id
),
served AS (
    SELECT SUM(jobs) AS jobs, SUM(jobs * seconds_each) AS seconds
    FROM (
        SELECT
            CASE WHEN waiting < rounds THEN waiting ELSE rounds END AS jobs,
            waiting_seconds / waiting AS seconds_each
        FROM others
    ) AS each_turn
)
SELECT 1 + ahead.jobs + COALESCE(served.jobs, 0), ahead.seconds + COALESCE(served.seconds, 0)
FROM ahead CROSS JOIN served
"""


def place(job: Job) -> Place | None:
    """Where a queued job stands, were nobody to come or go; None for any other job."""
    if job.status != Job.Status.QUEUED:
        return None
    with connection.cursor() as cursor:
        cursor.execute(PLACE, {"turn": job.turn_id, "job": job.pk, "priority": job.priority})
        position, seconds = cursor.fetchone()
    seconds += _busy_seconds(job.queue)
    workers = workers_of(job.queue)
    return Place(position, seconds / max(1, workers), workers)


def ahead(queue: str, turn_key: str) -> int:
    """How many jobs would be served before one that this turn entered now, those that run included."""
    turns = Turn.objects.filter(queue=queue, waiting__gt=0)
    mine = turns.filter(key=turn_key).values_list("waiting", flat=True).first() or 0
    others = turns.exclude(key=turn_key).aggregate(count=Sum(Least(F("waiting"), Value(mine + 1))))
    return mine + (others["count"] or 0) + Job.objects.running().filter(queue=queue).count()


def _busy_seconds(queue: str) -> float:
    """What the running jobs of a queue still need."""
    now = timezone.now()
    # The lease is named for its index's sake.
    running = (
        Job.objects.running()
        .filter(queue=queue, lease_expires_at__gt=now)
        .values_list("expected_seconds", "started_at")
    )
    return sum(
        max(0.0, expected - (now - started).total_seconds()) for expected, started in running if started
    )


def expected_seconds(operation: str, method: str, declared: float) -> float:
    """The declared cost, times the median of what recent runs of the same kind and about the same size took."""
    recent = (
        Job.objects.filter(status=Job.Status.SUCCEEDED, operation=operation, method=method)
        .order_by("-id")
        .values_list("run_seconds", "declared_seconds")[:HISTORY]
    )
    ratios = [
        took / said
        for took, said in recent
        if took is not None and 0 < said < declared * ALIKE and declared < said * ALIKE
    ]
    return declared * statistics.median(ratios) if len(ratios) >= ENOUGH else declared


# Workers -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Worker:
    """What a worker last said of itself."""

    name: str
    queues: list[str]
    device: str
    host: str
    memory_bytes: int
    seen_at: float

    @property
    def is_up(self) -> bool:
        """Whether it was seen within the last minute."""
        return abs(time.time() - self.seen_at) < SEEN_SECONDS  # a clock may be set back


def i_am_here(name: str, queues: list[str], device: str) -> None:
    """Say that a worker is alive; called every few seconds by its parent process."""
    try:
        parent = psutil.Process(os.getpid())
        memory = sum(process.memory_info().rss for process in (parent, *parent.children(recursive=True)))
        worker = Worker(name, queues, device, platform.node(), memory, time.time())
        progress.client().hset(WORKERS, name, json.dumps(asdict(worker)))
        long_ago = time.time() - KNOWN_SECONDS
        gone = [worker.name for worker in known_workers() if worker.seen_at < long_ago]
        if gone:
            progress.client().hdel(WORKERS, *gone)
    except (redis.RedisError, psutil.Error):
        log.debug("a worker could not say that it is here")


def workers() -> list[Worker]:
    """The workers seen within the last minute, by name; none where Redis is away."""
    return [worker for worker in known_workers() if worker.is_up]


def known_workers() -> list[Worker]:
    """Those too that have been away for an hour at most."""
    try:
        said: Any = progress.client().hvals(WORKERS)
    except redis.RedisError:
        return []
    return sorted((Worker(**json.loads(worker)) for worker in said), key=lambda worker: worker.name)


def workers_of(queue: str) -> int:
    return sum(queue in worker.queues for worker in workers())
