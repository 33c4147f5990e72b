"""How a job stands right now, from its row, its place in line and the live channel: for pages and API alike."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from jobs.models import Job
from jobs.queue import line, live
from ml.core.text import Message


@dataclass(frozen=True)
class State:
    """`fraction` is 0 to 1; `position` 1 is next; `eta_seconds` is until the result, None where unknown."""

    fraction: float = 0.0
    note: Message | None = None
    preview: str = ""
    position: int | None = None
    wait_seconds: float | None = None
    eta_seconds: float | None = None
    cancelling: bool = False
    workers_away: bool = False
    series: dict[str, list[tuple[float, float]]] = field(default_factory=dict)


def state_of(job: Job) -> State:
    if job.status == Job.Status.QUEUED:
        place = line.place(job)
        wait = place.seconds if place else 0.0
        return State(
            position=place.position if place else None,
            wait_seconds=wait,
            eta_seconds=wait + job.expected_seconds,
            workers_away=place is not None and not place.workers,
        )
    if job.status == Job.Status.RUNNING:
        told = live.read(job.uuid)
        return State(
            fraction=told.fraction,
            note=told.note,
            preview=told.preview,
            eta_seconds=_remaining(job, told.fraction),
            cancelling=job.cancel_requested_at is not None,
            series=told.series,
        )
    done = job.status == Job.Status.SUCCEEDED
    return State(fraction=1.0 if done else 0.0, series=job.series)


def kept_until(job: Job) -> datetime | None:
    """When the cleaner may take the job; None for one that is kept, a sample, or not done."""
    if job.kept or job.sample or job.finished_at is None:
        return None
    return job.finished_at + timedelta(days=settings.LATENT.keep_days)


def _remaining(job: Job, fraction: float) -> float | None:
    if job.started_at is None:
        return None
    elapsed = (timezone.now() - job.started_at).total_seconds()
    if fraction > 0.05:
        return max(0.0, elapsed / fraction - elapsed)
    return max(0.0, job.expected_seconds - elapsed)
