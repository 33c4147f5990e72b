"""What is kept, until when, and the cleaner. It never touches what a live job needs."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from jobs.intake import limits
from jobs.models import AlbumPhoto, Asset, Delivery, Draft, Job, JobEvent, Owner, ShareLink
from jobs.queue import deletion
from jobs.storage import outputs
from jobs.storage.thumbnails import delete_files
from jobs.work import scratch

AT_ONCE = 500
TRASH_KEEPS = timedelta(days=30)
_IN_ALBUM = AlbumPhoto.objects.filter(asset=OuterRef("pk"))
_CHERISHED = Q(owner__user__isnull=False) & (Q(favourite=True) | Exists(_IN_ALBUM))
"""What a member loves, or has in an album."""
ORPHAN_SECONDS = 6 * 3600
"""Older than any run or upload may last, so that nothing under way is taken for an orphan."""


def clean() -> dict[str, int]:
    """Delete what is past its time and what belongs to nothing; returns how much of each."""
    return {
        "jobs": _delete_jobs(),
        "photos": _delete_assets(),
        "links": _delete_links(),
        "drafts": _delete_drafts(),
        "events": _delete_events(),
        "deliveries": _delete_deliveries(),
        "idempotency keys": _forget_idempotency_keys(),
        "visitors": _delete_visitors(),
        "addresses": _forget_addresses(),
        "sessions": Session.objects.filter(expire_date__lt=timezone.now()).delete()[0],
        "orphans": _delete_orphans(),
    }


def expired_jobs() -> QuerySet[Job]:
    """Ended, not kept, no sample, and older than the site keeps them; what made something that a member cherishes stays with it."""
    limit = timezone.now() - timedelta(days=settings.LATENT.keep_days)
    cherished = Asset.objects.filter(_CHERISHED, made_by=OuterRef("pk"))
    return Job.objects.filter(~Exists(cherished), finished_at__lt=limit, kept=False, sample=False)


def expired_assets() -> QuerySet[Asset]:
    """Older than the site keeps them and in no job any more, or longer in the trash than that keeps them."""
    limit = timezone.now() - timedelta(days=settings.LATENT.keep_days)
    past = Q(created_at__lt=limit, uses=None, made_by=None) & ~_CHERISHED
    return Asset.objects.filter(past | Q(trashed_at__lt=timezone.now() - TRASH_KEEPS))


def delete_asset(asset: Asset) -> None:
    """Remove an asset and its file; jobs that used it keep their results."""
    with transaction.atomic():
        asset.versions.update(alone=True)
        asset.delete()
        outputs.after_commit(delete_files, asset)


def delete_belongings(owner: Owner) -> None:
    """Remove everything that somebody uploaded and made; what runs is cancelled first."""
    JobEvent.objects.filter(job__owner=owner).delete()
    for job in owner.jobs.iterator():
        deletion.delete(job)
    owner.albums.all().delete()
    for asset in owner.assets.iterator():
        delete_asset(asset)


def delete_account(user: User) -> None:
    """Remove a member with all belongings."""
    for owner in Owner.objects.filter(user=user):
        delete_belongings(owner)
    user.delete()


def _delete_jobs() -> int:
    jobs = list(expired_jobs()[:AT_ONCE])
    for job in jobs:
        deletion.delete(job)
    return len(jobs)


def _delete_assets() -> int:
    count = 0
    for asset in expired_assets()[:AT_ONCE]:
        with transaction.atomic():
            # Held, and looked at once more: a job may have taken it meanwhile, or its owner taken it out of the trash.
            held = Asset.objects.select_for_update().filter(pk=asset.pk).first()
            if held and expired_assets().filter(pk=held.pk).exists():
                delete_asset(held)
                count += 1
    return count


def _delete_links() -> int:
    limit = timezone.now() - timedelta(days=settings.LATENT.keep_days)
    return ShareLink.objects.filter(Q(expires_at__lt=limit) | Q(revoked_at__lt=limit)).delete()[0]


def _delete_events() -> int:
    """Those that have outlived their jobs."""
    limit = timezone.now() - timedelta(days=settings.LATENT.keep_days)
    return JobEvent.objects.filter(job=None, at__lt=limit).delete()[0]


def _delete_deliveries() -> int:
    limit = timezone.now() - timedelta(days=settings.LATENT.keep_days)
    return Delivery.objects.filter(created_at__lt=limit).delete()[0]


def _delete_drafts() -> int:
    yesterday = timezone.now() - timedelta(days=1)
    return Draft.objects.filter(created_at__lt=yesterday).delete()[0]


def _forget_idempotency_keys() -> int:
    yesterday = timezone.now() - timedelta(days=1)
    old = Job.objects.filter(idempotency_key__isnull=False, created_at__lt=yesterday)
    return old.update(idempotency_key=None, idempotency_digest="")


def _delete_visitors() -> int:
    """Visitors who own nothing and whose session must be over."""
    limit = timezone.now() - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    return Owner.objects.filter(user=None, jobs=None, assets=None, created_at__lt=limit).delete()[0]


def _forget_addresses() -> int:
    """Where members signed up, once it limits nothing any more."""
    limit = timezone.now() - limits.HOUR
    return (
        Owner.objects.filter(created_at__lt=limit).exclude(user=None).exclude(address="").update(address="")
    )


def _delete_orphans() -> int:
    """Files and folders that a killed process has left behind."""
    count = scratch.sweep()
    uploads = Path(settings.FILE_UPLOAD_TEMP_DIR)
    for entry in uploads.iterdir() if uploads.is_dir() else ():
        if time.time() - entry.stat().st_mtime > ORPHAN_SECONDS:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink(missing_ok=True)
            count += 1
    for name in _orphaned_files():
        default_storage.delete(name)
        count += 1
    _remove_empty_folders()
    return count


def _orphaned_files() -> Iterator[str]:
    """Stored files of which no row speaks. All names at once: a look-up for each would read the table each time."""
    known = set(Asset.objects.values_list("file", flat=True))
    for folder in ("outputs", "photos"):
        yield from (name for name in _old_files(folder) if name not in known)
    shown = set(Asset.objects.values_list("sha256", flat=True))
    for name in _old_files("thumbnails"):
        if Path(name).name.rsplit("-", 1)[0] not in shown:
            yield name


def _remove_empty_folders() -> None:
    """What deleted jobs leave of a storage that has folders; the few that many jobs share stay."""
    for shared in Path(settings.MEDIA_ROOT, "outputs").glob("*"):
        for path, _folders, _files in os.walk(shared, topdown=False):
            with suppress(OSError):  # it is not empty
                if path != str(shared) and time.time() - Path(path).stat().st_mtime > ORPHAN_SECONDS:
                    Path(path).rmdir()


def _old_files(folder: str) -> Iterator[str]:
    storage: Any = default_storage  # a `Folder` or a `Bucket`
    limit = timezone.now() - timedelta(seconds=ORPHAN_SECONDS)
    return (name for name, changed in storage.files(folder) if changed < limit)
