"""Whether a job is taken: how much of one owner, and of all, may wait at a time."""

from django.conf import settings
from django.db.models import Count, Sum
from django.utils.translation import gettext as _

from jobs.errors import Refused
from jobs.intake.limits import LATER_SECONDS, belonging_to, check_disk
from jobs.models import Job, Owner, Turn

SOON_SECONDS = 60


def check_job(owner: Owner | None, megapixels: float) -> None:
    """Raise `Refused` where the site takes no more work, or this owner has enough waiting for a job of that size."""
    check_disk()
    check_queue()
    if owner is None:
        return
    member = owner.user_id is not None
    mine = Job.objects.queued().filter(belonging_to(owner))
    waiting = mine.aggregate(jobs=Count("pk"), megapixels=Sum("megapixels", default=0.0))
    most = settings.LATENT.member_queued_jobs if member else settings.LATENT.visitor_queued_jobs
    if waiting["jobs"] >= most:
        raise Refused(
            "too_many_jobs",
            _("You have {count} jobs waiting, and no more fit. Try again when some are done.").format(
                count=most
            ),
            status=429,
            retry_after=SOON_SECONDS,
        )
    limit = settings.LATENT.member_queued_megapixels if member else settings.LATENT.visitor_queued_megapixels
    if waiting["jobs"] and waiting["megapixels"] + megapixels > limit:  # one job alone always fits
        raise Refused(
            "too_many_megapixels",
            _(
                "Your waiting jobs would have more than {limit:,} megapixels together, and that is the limit. "
                "Try again when some are done."
            ).format(limit=limit),
            status=429,
            retry_after=SOON_SECONDS,
        )


def check_queue() -> None:
    """Raise `Refused` where so much waits that one more job would wait in vain."""
    waiting = Turn.objects.filter(waiting__gt=0).aggregate(jobs=Sum("waiting", default=0))["jobs"]
    if waiting >= settings.LATENT.max_waiting_jobs:
        raise Refused(
            "queue_full",
            _(
                "{count} jobs wait here already, and no more are taken for now. Try again in some minutes."
            ).format(count=f"{waiting:,}"),
            status=503,
            retry_after=LATER_SECONDS,
        )


def closed() -> str:
    """Why the site takes nothing new right now, in a sentence; empty where it does."""
    try:
        check_disk()
        check_queue()
    except Refused as refusal:
        return str(refusal)
    return ""
