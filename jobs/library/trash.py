"""What its owner throws away: it lies in the trash for a while, then it is gone for good."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models.functions import Now

from jobs.errors import Refused
from jobs.library import retention
from jobs.messages import STILL_NEEDED
from jobs.models import Asset, AssetQuerySet, Job


def throw_away(assets: AssetQuerySet) -> int:
    """Into the trash, where it is in no list, link or album; jobs that wait for it go on. Returns how many went."""
    return _set(assets.filter(trashed_at=None), thrown=True)


def take_back(assets: AssetQuerySet) -> int:
    """Out of the trash, where it was before; returns how many came."""
    return _set(assets.filter(trashed_at__isnull=False), thrown=False)


def _set(assets: AssetQuerySet, *, thrown: bool) -> int:
    """What descends from a photo in the trash stands for itself meanwhile."""
    chosen = list(assets.values_list("pk", flat=True))
    with transaction.atomic():
        Asset.objects.filter(original__in=chosen).update(alone=thrown)
        return Asset.objects.filter(pk__in=chosen).update(trashed_at=Now() if thrown else None)


def delete(assets: Iterable[Asset]) -> int:
    """For good; raises `Refused`, with nothing deleted, where a job that has not ended needs one."""
    doomed = list(assets)
    if Job.objects.unfinished().filter(inputs__asset__in=doomed).exists():
        raise Refused(STILL_NEEDED, code="still_needed", status=409)
    for asset in doomed:
        retention.delete_asset(asset)
    return len(doomed)


def with_versions(assets: AssetQuerySet) -> AssetQuerySet:
    """The photos, and all that descends from them."""
    return Asset.objects.filter(pk__in=assets.values("pk")) | Asset.objects.filter(
        original__in=assets.values("pk")
    )
