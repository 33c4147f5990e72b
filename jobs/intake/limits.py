"""How much one owner, and the whole site, may be asked for at a time."""

import shutil
from datetime import timedelta

from django.conf import settings
from django.db.models import Q, Sum
from django.utils import timezone

from jobs.errors import Refused
from jobs.messages import DISK_NEARLY_FULL, NO_ROOM, TOO_MANY_SIGN_UPS, TOO_MANY_UPLOADS
from jobs.models import Asset, Owner

HOUR = timedelta(hours=1)
LATER_SECONDS = 600


def check_upload(owner: Owner, size: int) -> None:
    """Raise `Refused` where the site has no room for a photo of that many bytes, or this owner has sent enough."""
    check_disk()
    member = owner.user_id is not None
    most = settings.LATENT.member_uploads_per_hour if member else settings.LATENT.visitor_uploads_per_hour
    recent = Asset.objects.uploaded().filter(belonging_to(owner), created_at__gt=timezone.now() - HOUR)
    if recent.count() >= most:
        oldest = recent.order_by("-created_at")[most - 1].created_at
        seconds = (oldest + HOUR - timezone.now()).total_seconds()
        raise Refused(
            TOO_MANY_UPLOADS(count=most, minutes=max(1, round(seconds / 60))),
            status=429,
            retry_after=max(1, round(seconds)),
        )
    limit = settings.LATENT.member_stored_megabytes if member else settings.LATENT.visitor_stored_megabytes
    if stored_bytes(owner) + size > limit * 1_000_000:
        raise Refused(NO_ROOM(limit=limit), status=413)


def check_sign_up(address: str) -> None:
    """Raise `Refused` where enough accounts were made from there; `address` is the digest of one."""
    most = settings.LATENT.sign_ups_per_hour
    made = Owner.objects.filter(address=address, created_at__gt=timezone.now() - HOUR).exclude(user=None)
    if made.count() >= most:
        seconds = round(HOUR.total_seconds())
        raise Refused(TOO_MANY_SIGN_UPS(count=most), status=429, retry_after=seconds)


def check_disk() -> None:
    """Raise `Refused` while there is still room for what runs."""
    if free_bytes() < settings.LATENT.min_free_megabytes * 1_000_000:
        raise Refused(DISK_NEARLY_FULL, code="disk_full", status=507, retry_after=LATER_SECONDS)


def free_bytes() -> int:
    """Room on the disk of this site: where uploads pass through, and where files are kept unless a bucket has them."""
    folders = [settings.HOME] if settings.LATENT.s3_bucket else [settings.HOME, settings.MEDIA_ROOT]
    return min(shutil.disk_usage(folder).free for folder in folders if folder.exists())


def stored_bytes(owner: Owner) -> int:
    """What the photos and results of an owner take."""
    stored = Asset.objects.filter(belonging_to(owner)).aggregate(bytes=Sum("bytes", default=0))
    return int(stored["bytes"])


def belonging_to(owner: Owner) -> Q:
    """To a member, or to any visitor from the same address: a fresh session is no fresh start."""
    if owner.user_id is None and owner.address:
        return Q(owner__address=owner.address, owner__user=None)
    return Q(owner=owner)
