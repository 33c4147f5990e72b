"""How much one owner, and the whole site, may be asked for at a time."""

import shutil
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.errors import Refused
from jobs.models import Job, Output, Owner, Photo, Turn
from webapp.config import config

HOUR = timedelta(hours=1)
SOON_SECONDS, LATER_SECONDS = 60, 600


def check_upload(owner: Owner, size: int) -> None:
    """Raise `Refused` where the site has no room for a photo of that many bytes, or this owner has sent enough."""
    check_disk()
    member = owner.user_id is not None
    most = config().member_uploads_per_hour if member else config().visitor_uploads_per_hour
    recent = Photo.objects.filter(_belonging_to(owner), created_at__gt=timezone.now() - HOUR)
    if recent.count() >= most:
        oldest = recent.order_by("-created_at")[most - 1].created_at
        seconds = (oldest + HOUR - timezone.now()).total_seconds()
        raise Refused(
            "too_many_uploads",
            _(
                "You have sent {count} photos within an hour, and that is the limit. Go on in {minutes} min."
            ).format(count=most, minutes=max(1, round(seconds / 60))),
            status=429,
            retry_after=max(1, round(seconds)),
        )
    limit = config().member_stored_megabytes if member else config().visitor_stored_megabytes
    if stored_bytes(owner) + size > limit * 1_000_000:
        raise Refused(
            "no_room",
            _("Your photos and results take {limit} MB, and no more fit. Delete some, and try again.").format(
                limit=limit
            ),
            status=413,
        )


def check_job(owner: Owner | None, megapixels: float) -> None:
    """Raise `Refused` where the site takes no more work, or this owner has enough waiting for a job of that size."""
    check_disk()
    check_queue()
    if owner is None:
        return
    member = owner.user_id is not None
    mine = Job.objects.queued().filter(_belonging_to(owner))
    waiting = mine.aggregate(jobs=Count("pk"), megapixels=Sum("megapixels", default=0.0))
    most = config().member_queued_jobs if member else config().visitor_queued_jobs
    if waiting["jobs"] >= most:
        raise Refused(
            "too_many_jobs",
            _("You have {count} jobs waiting, and no more fit. Try again when some are done.").format(
                count=most
            ),
            status=429,
            retry_after=SOON_SECONDS,
        )
    limit = config().member_queued_megapixels if member else config().visitor_queued_megapixels
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
    if waiting >= config().max_waiting_jobs:
        raise Refused(
            "queue_full",
            _(
                "{count} jobs wait here already, and no more are taken for now. Try again in some minutes."
            ).format(count=f"{waiting:,}"),
            status=503,
            retry_after=LATER_SECONDS,
        )


def check_disk() -> None:
    """Raise `Refused` while there is still room for what runs."""
    if free_bytes() < config().min_free_megabytes * 1_000_000:
        raise Refused(
            "disk_full",
            _("The disk of this site is nearly full, so nothing new is taken for now. Try again later."),
            status=507,
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


def free_bytes() -> int:
    """Room on the disk of this site: where uploads pass through, and where files are kept unless a bucket has them."""
    folders = [settings.HOME] if config().s3_bucket else [settings.HOME, settings.MEDIA_ROOT]
    return min(shutil.disk_usage(folder).free for folder in folders if folder.exists())


def stored_bytes(owner: Owner) -> int:
    """What the photos and results of an owner take."""
    photos = Photo.objects.filter(_belonging_to(owner)).aggregate(bytes=Sum("bytes", default=0))
    outputs = Output.objects.filter(_belonging_to(owner, "job__")).aggregate(bytes=Sum("bytes", default=0))
    return int(photos["bytes"] + outputs["bytes"])


def _belonging_to(owner: Owner, prefix: str = "") -> Q:
    """To a member, or to any visitor from the same address: a fresh session is no fresh start."""
    if owner.user_id is None and owner.address:
        return Q(**{f"{prefix}owner__address": owner.address, f"{prefix}owner__user": None})
    return Q(**{f"{prefix}owner": owner})
