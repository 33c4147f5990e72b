"""Links by which anybody sees a result, until they expire or are revoked."""

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.utils import timezone

from jobs.access.visibility import found
from jobs.errors import Refused
from jobs.messages import NOTHING_TO_SHARE
from jobs.models import Job, Owner, ShareLink

if TYPE_CHECKING:
    pass


def live_share(token: str) -> ShareLink:
    """A link that is neither expired nor revoked; raises `Http404`."""
    return found(_live(ShareLink.objects.select_related("job").filter(token=token)).first())


def share(
    job: Job, *, expires_in: timedelta | None, original: bool = True, recipe: bool = False
) -> ShareLink:
    """A link by which anybody sees the result; without `expires_in` it lives as long as the job."""
    if job.status != Job.Status.SUCCEEDED:
        raise Refused(NOTHING_TO_SHARE, status=409)
    return ShareLink.objects.create(
        job=job,
        original=original,
        recipe=recipe,
        expires_at=timezone.now() + expires_in if expires_in is not None else None,
    )


def live_links(job: Job) -> QuerySet[ShareLink]:
    """Links to a job that are neither expired nor revoked, the newest first."""
    return _live(ShareLink.objects.filter(job=job))


def live_links_of(owner: Owner) -> QuerySet[ShareLink]:
    """The same to all jobs of an owner."""
    return _live(ShareLink.objects.filter(job__owner=owner))


def _live(links: QuerySet[ShareLink]) -> QuerySet[ShareLink]:
    return links.filter(revoked_at=None).exclude(expires_at__lte=timezone.now()).order_by("-id")


def revoke(links: QuerySet[ShareLink]) -> int:
    """Make links dead at once; returns how many were alive."""
    return links.filter(revoked_at=None).update(revoked_at=timezone.now())
