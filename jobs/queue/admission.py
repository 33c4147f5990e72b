"""Whether a job is taken: how much of one owner, and of all, may wait at a time."""

from django.conf import settings
from django.db.models import Count, Sum

from jobs.errors import Refused
from jobs.intake.limits import LATER_SECONDS, belonging_to, check_disk
from jobs.messages import (
    MEMBERS_ONLY,
    QUEUE_FULL,
    TOO_MANY_JOBS,
    TOO_MANY_JOBS_AT_ONCE,
    TOO_MANY_MEGAPIXELS,
    TOO_MANY_PHOTOS,
)
from jobs.models import FairShare, Job, Owner
from jobs.queue.quote import Quote

SOON_SECONDS = 60


def admit(owner: Owner | None, quote: Quote) -> None:
    """Raise `Refused` where this owner may not ask for it, or not for so much at a time."""
    if owner and owner.user_id is None and any(step.operation.members_only for step in quote.steps):
        raise Refused(MEMBERS_ONLY, status=403)
    _check_photos(owner, len({job.item for job in quote.jobs}))
    check_room(owner, jobs=len(quote.jobs), megapixels=quote.megapixels)


def check_room(owner: Owner | None, *, jobs: int, megapixels: float) -> None:
    """Raise `Refused` where the site takes no more work, or so many more jobs of this owner do not fit."""
    check_disk()
    check_queue(jobs)
    if owner is None:
        return
    member = owner.user_id is not None
    mine = Job.objects.waiting().filter(belonging_to(owner))
    waiting = mine.aggregate(jobs=Count("pk"), megapixels=Sum("megapixels", default=0.0))
    _check_count(
        waiting["jobs"],
        jobs,
        settings.LATENT.member_queued_jobs if member else settings.LATENT.visitor_queued_jobs,
    )
    most = settings.LATENT.member_queued_megapixels if member else settings.LATENT.visitor_queued_megapixels
    alone = not waiting["jobs"] and jobs == 1  # one job alone always fits
    if waiting["megapixels"] + megapixels > most and not alone:
        raise Refused(TOO_MANY_MEGAPIXELS(limit=most), status=429, retry_after=SOON_SECONDS)


def _check_photos(owner: Owner | None, photos: int) -> None:
    if owner is None:
        return
    config = settings.LATENT
    most = config.visitor_batch_photos if owner.user_id is None else config.member_batch_photos
    if photos > most:
        raise Refused(TOO_MANY_PHOTOS(count=photos, limit=most))


def _check_count(waiting: int, asked: int, most: int) -> None:
    if waiting + asked <= most:
        return
    message = TOO_MANY_JOBS(count=waiting)
    if asked > 1:
        message = TOO_MANY_JOBS_AT_ONCE(asked=asked, most=most, count=waiting)
    raise Refused(message, code="too_many_jobs", status=429, retry_after=SOON_SECONDS)


def check_queue(jobs: int = 1) -> None:
    """Raise `Refused` where so much waits that so many more jobs would wait in vain."""
    waiting = FairShare.objects.filter(waiting__gt=0).aggregate(jobs=Sum("waiting", default=0))["jobs"]
    if waiting + jobs > settings.LATENT.max_waiting_jobs:
        raise Refused(QUEUE_FULL(count=waiting), status=503, retry_after=LATER_SECONDS)


def closed() -> str:
    """Why the site takes nothing new right now, in a sentence; empty where it does."""
    try:
        check_disk()
        check_queue()
    except Refused as refusal:
        return str(refusal)
    return ""
