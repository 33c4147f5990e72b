"""The first page of the admin: how the site is doing, from few and bounded queries."""

import math
import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, DateField, Q, Sum
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.template.defaultfilters import date as format_date
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.admin import presenters
from jobs.admin.filters import recent_workers
from jobs.models import Asset, FairShare, Job
from jobs.queue import workers

DAYS = 30
WEEK = timedelta(days=7)
LATEST_RUNS = 5000
MOST_RUNNING = 50
MOST_FAILURES = 8
CHART_WIDTH, CHART_HEIGHT = 600, 120
Status = Job.Status
ENDED = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True)
class Day:
    """What ended on a day."""

    day: date
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        return self.succeeded + self.failed + self.cancelled

    @property
    def failure_percent(self) -> float | None:
        return failure_percent(self.succeeded, self.failed)


@dataclass(frozen=True)
class Bar:
    """A bar of a chart that is `CHART_WIDTH` by `CHART_HEIGHT`: boxes that stand on each other."""

    title: str
    x: float
    boxes: list[tuple[str, float, float]]
    """Kind, upper edge and height of each."""


@dataclass
class Times:
    """What is known of the latest runs of an operation, in seconds."""

    operation: str
    succeeded: int = 0
    failed: int = 0
    waits: list[float] = field(default_factory=list)
    runs: list[float] = field(default_factory=list)

    @property
    def title(self) -> str:
        return presenters.operation_title(Job(operation=self.operation))

    @property
    def failure_percent(self) -> float | None:
        return failure_percent(self.succeeded, self.failed)

    @property
    def count(self) -> int:
        return self.succeeded + self.failed

    @property
    def percentiles(self) -> list[str]:
        """Median and 95th percentile of the wait, then of the run."""
        return [
            presenters.duration(percentile(times, share))
            for times in (self.waits, self.runs)
            for share in (50, 95)
        ]


@dataclass(frozen=True)
class QueueDepth:
    name: str
    waiting: int
    expected: str
    """What the waiting jobs are expected to take."""
    running: int
    workers: int


@dataclass(frozen=True)
class WorkerRow:
    """A worker that is there, or one that was or took a job not long ago."""

    name: str
    said: workers.Worker | None
    """What it last said of itself, if that is known still."""
    last_started_at: datetime | None
    doing: list[tuple[Job, str, str]]
    """Each job that it runs, its title, and for how long."""

    @property
    def live(self) -> workers.Worker | None:
        return self.said if self.said and self.said.is_up else None

    @property
    def seen_at(self) -> datetime | None:
        if self.said:
            return datetime.fromtimestamp(self.said.seen_at, UTC)
        return self.last_started_at


@dataclass(frozen=True)
class Disk:
    """In bytes."""

    used: int
    free: int
    total: int
    photos: int
    outputs: int

    @property
    def used_percent(self) -> float:
        return 100 * self.used / self.total


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the dashboard to the context of the admin's first page."""
    running = list(Job.objects.running().select_related("owner__user").order_by("id")[:MOST_RUNNING])
    known = workers.known_workers()
    live = [worker for worker in known if worker.is_up]
    depths = queue_depths(running, live)
    days = last_days(timezone.now().date())
    failures = Job.objects.filter(status=Status.FAILED).select_related("owner__user").order_by("-id")
    oldest = Job.objects.queued().order_by("id").first()
    return {
        **context,
        "title": _("Dashboard"),
        "first_day": days[0].day,
        "jobs_chart": jobs_chart(days),
        "most_a_day": max(day.total for day in days),
        "failures_chart": failures_chart(days),
        "highest_rate": max(day.failure_percent or 0 for day in days),
        "week": week(days),
        "chart_width": CHART_WIDTH,
        "chart_height": CHART_HEIGHT,
        "operations": operation_times(),
        "latest_runs": LATEST_RUNS,
        "queues": depths,
        "waiting": sum(depth.waiting for depth in depths),
        "oldest": oldest,
        "oldest_wait": presenters.duration(presenters.waited(oldest)) if oldest else "",
        "workers": worker_rows(running, known),
        "live_workers": len(live),
        "running": len(running),
        "failures": [
            (job, presenters.operation_title(job), presenters.owner_name(job))
            for job in failures[:MOST_FAILURES]
        ],
        "disk": disk(),
        "now": timezone.now(),
    }


def last_days(today: date) -> list[Day]:
    """The last `DAYS` days, the latest last; one query over an index."""
    first = today - timedelta(days=DAYS - 1)
    midnight = timezone.make_aware(datetime(first.year, first.month, first.day))
    ended = {status: Count("pk", filter=Q(status=status)) for status in ENDED}
    rows = (
        Job.objects.filter(finished_at__gte=midnight)
        .order_by()
        .values(day=Cast("finished_at", DateField()))
        .annotate(**ended)
    )
    known = {row["day"]: Day(**row) for row in rows}
    dates = (first + timedelta(days=index) for index in range(DAYS))
    return [known.get(day, Day(day)) for day in dates]


def jobs_chart(days: Sequence[Day]) -> list[Bar]:
    sentence = _("{day}: {succeeded} succeeded, {failed} failed, {cancelled} cancelled")
    return bars(
        [
            sentence.format(
                day=format_date(day.day, "j M"),
                succeeded=day.succeeded,
                failed=day.failed,
                cancelled=day.cancelled,
            )
            for day in days
        ],
        [
            (("succeeded", day.succeeded), ("cancelled", day.cancelled), ("failed", day.failed))
            for day in days
        ],
    )


def failures_chart(days: Sequence[Day]) -> list[Bar]:
    return bars(
        [
            _("{day}: {percent:.1f} %").format(
                day=format_date(day.day, "j M"), percent=day.failure_percent or 0
            )
            for day in days
        ],
        [(("failed", day.failure_percent or 0),) for day in days],
    )


def bars(titles: Sequence[str], stacks: Sequence[Sequence[tuple[str, float]]]) -> list[Bar]:
    """Stacked bars side by side; the highest is as high as the chart."""
    most = max((sum(value for _kind, value in stack) for stack in stacks), default=0) or 1
    chart = []
    for index, (title, stack) in enumerate(zip(titles, stacks, strict=True)):
        top, boxes = float(CHART_HEIGHT), []
        for kind, value in stack:
            height = CHART_HEIGHT * value / most
            top -= height
            boxes.append((kind, round(top, 2), round(height, 2)))
        chart.append(Bar(title, round(CHART_WIDTH / len(stacks) * index, 2), boxes))
    return chart


def week(days: Sequence[Day]) -> dict[str, Any]:
    """Today's number, and the share of failures in the last seven days."""
    last = days[-7:]
    return {
        "today": days[-1].total,
        "total": sum(day.total for day in last),
        "failure_percent": failure_percent(
            sum(day.succeeded for day in last), sum(day.failed for day in last)
        ),
    }


def operation_times() -> list[Times]:
    """The operations of the last week, the most used first; from its latest `LATEST_RUNS` jobs at most."""
    rows = (
        Job.objects.filter(finished_at__gte=timezone.now() - WEEK)
        .order_by("-finished_at")
        .values_list("operation", "status", "queued_at", "started_at", "run_seconds")[:LATEST_RUNS]
    )
    found: dict[str, Times] = {}
    for operation, status, queued_at, started_at, run_seconds in rows:
        if status == Status.CANCELLED:
            continue
        times = found.setdefault(operation, Times(operation))
        if started_at:
            times.waits.append(max(0.0, (started_at - queued_at).total_seconds()))
        if status == Status.SUCCEEDED:
            times.succeeded += 1
            times.runs.append(run_seconds or 0.0)
        else:
            times.failed += 1
    return sorted(found.values(), key=lambda times: -times.count)


def queue_depths(running: Iterable[Job], live: Iterable[workers.Worker]) -> list[QueueDepth]:
    """Every queue that has work, or a worker that takes from it."""
    waiting = {
        queue: (count, presenters.duration(seconds))
        for queue, count, seconds in FairShare.objects.filter(waiting__gt=0)
        .order_by()
        .values_list("queue")
        .annotate(Sum("waiting"), Sum("waiting_seconds"))
    }
    names = (
        set(waiting) | {job.queue for job in running} | {name for worker in live for name in worker.queues}
    )
    return [
        QueueDepth(
            name,
            *waiting.get(name, (0, presenters.NOTHING)),
            sum(job.queue == name for job in running),
            sum(name in worker.queues for worker in live),
        )
        for name in sorted(names)
    ]


def worker_rows(running: Iterable[Job], known: Iterable[workers.Worker]) -> list[WorkerRow]:
    """The workers that are there first, then those that were."""
    said = {worker.name: worker for worker in known}
    last = recent_workers()
    busy: dict[str, list[Job]] = defaultdict(list)
    for job in running:
        busy[job.worker].append(job)
    rows = [
        WorkerRow(name, said.get(name), last.get(name), [_doing(job) for job in busy[name]])
        for name in set(said) | set(last) | set(busy)
        if name
    ]
    return sorted(rows, key=lambda row: (row.live is None, row.name))


def _doing(job: Job) -> tuple[Job, str, str]:
    return job, presenters.operation_title(job), presenters.duration(presenters.ran(job))


def disk() -> Disk:
    volume = shutil.disk_usage(settings.HOME)
    photos = Asset.objects.uploaded().aggregate(bytes=Sum("bytes"))["bytes"] or 0
    outputs = Asset.objects.made().aggregate(bytes=Sum("bytes"))["bytes"] or 0
    return Disk(volume.used, volume.free, volume.total, photos, outputs)


def failure_percent(succeeded: int, failed: int) -> float | None:
    ended = succeeded + failed
    return 100 * failed / ended if ended else None


def percentile(values: Sequence[float], percent: int) -> float | None:
    """The smallest value that at least so many percent of them do not exceed (nearest rank); None of none."""
    ranked = sorted(values)
    return ranked[max(1, math.ceil(len(ranked) * percent / 100)) - 1] if ranked else None
