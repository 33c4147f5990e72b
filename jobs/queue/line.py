"""Who is where in line, and for how long."""

from dataclasses import dataclass

from django.db import connection
from django.db.models import F, Sum, Value
from django.db.models.functions import Least
from django.utils import timezone

from jobs.models import FairShare, Job
from jobs.queue.workers import workers_of


@dataclass(frozen=True)
class Place:
    """A place in line: `position` 1 is the next to start, `seconds` the expected wait until the start.

    `workers` is how many take work from that queue.
    """

    position: int
    seconds: float
    workers: int


# In SQL, since a page that waits asks for it again and again: a fifth of what the same costs by way of the ORM.
# A round robin: before the k-th job of a fair share starts, every other one is served as often as it has jobs,
# but at most k times where it goes before this one, k - 1 times where it goes after.
PLACE = """
WITH mine AS (
    SELECT id, queue, last_served FROM jobs_fairshare WHERE id = %(fair_share)s
),
ahead AS (
    SELECT COUNT(*) AS jobs, COALESCE(SUM(expected_seconds), 0) AS seconds
    FROM jobs_job
    WHERE status = 'queued' AND fair_share_id = %(fair_share)s
        AND (priority > %(priority)s OR (priority = %(priority)s AND id < %(job)s))
),
others AS (
    SELECT
        other.waiting,
        other.waiting_seconds,
        ahead.jobs + CASE
            WHEN other.last_served < mine.last_served THEN 1
            WHEN other.last_served = mine.last_served AND other.id < mine.id THEN 1
            ELSE 0
        END AS rounds
    FROM mine CROSS JOIN ahead CROSS JOIN jobs_fairshare AS other
    WHERE other.queue = mine.queue AND other.waiting > 0 AND other.id <> mine.id
),
served AS (
    SELECT SUM(jobs) AS jobs, SUM(jobs * seconds_each) AS seconds
    FROM (
        SELECT
            CASE WHEN waiting < rounds THEN waiting ELSE rounds END AS jobs,
            waiting_seconds / waiting AS seconds_each
        FROM others
    ) AS each_share
)
SELECT 1 + ahead.jobs + COALESCE(served.jobs, 0), ahead.seconds + COALESCE(served.seconds, 0)
FROM ahead CROSS JOIN served
"""

# The lease is named for its index's sake.
BUSY = """
SELECT id, expected_seconds, started_at FROM jobs_job
WHERE status = 'running' AND queue = %s AND lease_expires_at > %s
"""


def place(job: Job) -> Place | None:
    """Where a queued job stands, were nobody to come or go; None for any other job."""
    if job.status != Job.Status.QUEUED:
        return None
    with connection.cursor() as cursor:
        cursor.execute(PLACE, {"fair_share": job.fair_share_id, "job": job.pk, "priority": job.priority})
        position, seconds = cursor.fetchone()
    seconds += _busy_seconds(job.queue)
    workers = workers_of(job.queue)
    # PostgreSQL adds whole numbers up to a decimal.
    return Place(int(position), seconds / max(1, workers), workers)


def ahead(queue: str, fair_share_key: str) -> int:
    """How many jobs would be served before one of this fair share that entered now, those that run included."""
    waiting = FairShare.objects.filter(queue=queue, waiting__gt=0)
    mine = waiting.filter(key=fair_share_key).values_list("waiting", flat=True).first() or 0
    others = waiting.exclude(key=fair_share_key).aggregate(count=Sum(Least(F("waiting"), Value(mine + 1))))
    return mine + (others["count"] or 0) + Job.objects.running().filter(queue=queue).count()


def _busy_seconds(queue: str) -> float:
    """What the running jobs of a queue still need."""
    now = timezone.now()
    return sum(
        max(0.0, job.expected_seconds - (now - job.started_at).total_seconds())
        for job in Job.objects.raw(BUSY, [queue, now])
        if job.started_at
    )
