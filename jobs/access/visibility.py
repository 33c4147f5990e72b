"""Who may see and change what. Nothing else decides it."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac

from jobs.access.identity import is_admin, owner_of
from jobs.access.signing import is_signed
from jobs.errors import Refused
from jobs.messages import UNKNOWN_PHOTO
from jobs.models import Draft, Job, Output, Owner, Photo

T = TypeVar("T")


def jobs_of(owner: Owner | None) -> QuerySet[Job]:
    """The jobs an owner sees in lists; a stranger sees none."""
    return Job.objects.filter(owner=owner) if owner else Job.objects.none()


def photos_of(owner: Owner) -> QuerySet[Photo]:
    return Photo.objects.filter(owner=owner)


def visible_job(request: HttpRequest, job_uuid: UUID) -> Job:
    """A job that its owner, an admin, or, for a sample, anybody sees; raises `Http404`."""
    return found(Job.objects.filter(_seen_by(request)).filter(uuid=job_uuid).first())


def watch_key(request: HttpRequest, job_uuid: UUID) -> str:
    """What a page gives back with each poll: this browser has been shown this job. It dies with the session."""
    session = _session_of(request)
    return salted_hmac("jobs.access.watch", f"{job_uuid} {session}", algorithm="sha256").hexdigest()[:32]


def watched_job(request: HttpRequest, job_uuid: UUID) -> Job:
    """A job whose page polls; it need not be asked again who is looking. Raises `Http404`."""
    if constant_time_compare(request.GET.get("key", ""), watch_key(request, job_uuid)):
        return Job.objects.polled(job_uuid, _session_of(request)) or visible_job(request, job_uuid)
    return visible_job(request, job_uuid)


def _session_of(request: HttpRequest) -> str:
    return request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")


def own_job(request: HttpRequest, job_uuid: UUID) -> Job:
    """A job that its owner or an admin may change; raises `Http404`."""
    jobs = (
        Job.objects.all()
        if is_admin(request)
        else Job.objects.filter(owner=owner_of(request), owner__isnull=False)
    )
    return found(jobs.filter(uuid=job_uuid).first())


def visible_photo(request: HttpRequest, photo_id: UUID) -> Photo:
    """A photo that its owner, an admin or, where a sample uses it, anybody sees; raises `Http404`."""
    return found(_photos_seen_by(request).filter(pk=photo_id).first())


def visible_photos(request: HttpRequest, ids: Sequence[UUID]) -> list[Photo]:
    """Those of the photos that the request may see, in the order asked for, in one query."""
    seen = _photos_seen_by(request).in_bulk(ids)
    return [seen[photo_id] for photo_id in ids if photo_id in seen]


def visible_output(request: HttpRequest, output_id: UUID) -> Output:
    """An output of a job that the request may see; raises `Http404`."""
    outputs = Output.objects.filter(_seen_by(request, "job__")).select_related("job")
    return found(outputs.filter(pk=output_id).first())


def own_photos(owner: Owner, ids: list[UUID]) -> list[Photo]:
    """Photos of an owner, in the order asked for; raises `Refused` for one that is not there or not theirs."""
    found = photos_of(owner).in_bulk(ids)
    missing = [str(photo_id) for photo_id in ids if photo_id not in found]
    if missing:
        raise Refused(UNKNOWN_PHOTO(id=missing[0]))
    return [found[photo_id] for photo_id in ids]


def own_draft(request: HttpRequest, draft_id: UUID) -> Draft:
    """Photos that came in together, for whoever sent them; raises `Http404`."""
    return found(Draft.objects.filter(_owned(request), pk=draft_id).first())


def _photos_seen_by(request: HttpRequest) -> QuerySet[Photo]:
    if is_admin(request) or is_signed(request):
        return Photo.objects.all()
    return Photo.objects.filter(_owned(request) | Q(owner=None, uses__job__sample=True)).distinct()


def _owned(request: HttpRequest, prefix: str = "") -> Q:
    owner = owner_of(request)
    return Q(**{f"{prefix}owner": owner}) if owner else Q(pk__in=())


def _seen_by(request: HttpRequest, prefix: str = "") -> Q:
    if is_admin(request) or is_signed(request):
        return Q()
    return _owned(request, prefix) | Q(**{f"{prefix}sample": True})


def found(row: T | None) -> T:
    if row is None:
        raise Http404
    return row
