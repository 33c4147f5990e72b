"""Who may see and change what. Nothing else decides it."""

import hmac
import time
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.signing import BadSignature, TimestampSigner, b62_encode
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest
from django.http.request import split_domain_port
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from jobs import lifecycle
from jobs.errors import Refused
from jobs.models import ApiToken, Job, Output, Owner, Photo, ShareLink
from ml.core.operation import Operation
from webapp.config import config

if TYPE_CHECKING:
    from django.contrib.auth.models import User

T = TypeVar("T")

SESSION_OWNER = "owner"
USED_EVERY_SECONDS = 60
SIGNED_SECONDS = 3600
"""For at most so long an address on the media host is good."""
SAME_SECONDS = 1800
"""For so long an address on the media host is signed alike, so that browsers know a picture again."""


# Who asks ------------------------------------------------------------------------------------------------


def owner_of(request: HttpRequest) -> Owner | None:
    """The owner that a request speaks for: by Bearer token, as a member, or as a visitor; None for a stranger.

    Raises `Refused` (401) where a token is given that is not good.
    """
    if not hasattr(request, "_latent_owner"):
        request._latent_owner = _find_owner(request)  # type: ignore[attr-defined]
    found: Owner | None = request._latent_owner  # type: ignore[attr-defined]
    return found


def owner_made_if_needed(request: HttpRequest) -> Owner:
    """The owner that a request speaks for; a stranger becomes a visitor."""
    found = owner_of(request)
    if found is None:
        found = Owner.objects.create(address=_digest(client_address(request)))
        request.session[SESSION_OWNER] = str(found.id)
        request._latent_owner = found  # type: ignore[attr-defined]
    return found


def may_use(request: HttpRequest, operation: Operation) -> bool:
    """Whether whoever asks may start such a job at all; a stranger will be a visitor."""
    owner = owner_of(request)
    return not operation.members_only or (owner is not None and owner.user_id is not None)


def take_along(request: HttpRequest, user: "User") -> None:
    """What the browser's session made before its user logged in belongs to them from now on."""
    visitor = request.session.pop(SESSION_OWNER, None)
    found = Owner.objects.filter(pk=uuid.UUID(visitor), user=None).first() if visitor else None
    if found:
        lifecycle.adopt(found, owner_of_user(user))
    if hasattr(request, "_latent_owner"):
        del request._latent_owner


def has_bearer(request: HttpRequest) -> bool:
    return request.headers.get("Authorization", "").lower().startswith("bearer ")


def is_admin(request: HttpRequest) -> bool:
    """Whether staff is logged in. A token never speaks for an admin."""
    return not has_bearer(request) and bool(request.user.is_staff and request.user.is_active)


def owner_of_user(user: "User") -> Owner:
    return Owner.objects.select_related("user").get_or_create(user=user)[0]


def _find_owner(request: HttpRequest) -> Owner | None:
    if has_bearer(request):
        return owner_of_user(_user_of_token(request.headers["Authorization"][7:].strip()))
    if not isinstance(request.user, AnonymousUser):
        return owner_of_user(request.user)
    visitor = request.session.get(SESSION_OWNER)
    return Owner.objects.filter(pk=uuid.UUID(visitor), user=None).first() if visitor else None


def _user_of_token(secret: str) -> "User":
    token = ApiToken.objects.select_related("user").filter(digest=ApiToken.digest_of(secret)).first()
    if token is None or not token.user.is_active:
        raise Refused("bad_token", _("This token is not good. Make a new one."), status=401)
    now = timezone.now()
    if token.last_used_at is None or (now - token.last_used_at).total_seconds() > USED_EVERY_SECONDS:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token.user


def client_address(request: HttpRequest) -> str:
    """The IP address that a request comes from."""
    address: str = request.META.get("REMOTE_ADDR", "")
    if config().behind_proxy:
        address = request.headers.get("X-Forwarded-For", address).split(",")[-1].strip()
    return address


def _digest(address: str) -> str:
    """A keyed digest of an address: enough to share a turn and limits by, and no more."""
    return hmac.new(config().secret().encode(), address.encode(), "sha256").hexdigest()[:32]


# What they may see ---------------------------------------------------------------------------------------


def jobs_of(owner: Owner) -> QuerySet[Job]:
    """The jobs an owner sees in lists."""
    return Job.objects.filter(owner=owner)


def photos_of(owner: Owner) -> QuerySet[Photo]:
    return Photo.objects.filter(owner=owner)


def visible_job(request: HttpRequest, job_uuid: UUID) -> Job:
    """A job that its owner, an admin, or, for a sample, anybody sees; raises `Http404`."""
    return _found(Job.objects.filter(_seen_by(request)).filter(uuid=job_uuid).first())


def watch_key(request: HttpRequest, job_uuid: UUID) -> str:
    """What a page gives back with each poll: this browser has been shown this job. It dies with the session."""
    session = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    return salted_hmac("jobs.access.watch", f"{job_uuid} {session}", algorithm="sha256").hexdigest()[:32]


def watched_job(request: HttpRequest, job_uuid: UUID) -> Job:
    """A job whose page polls; it need not be asked again who is looking. Raises `Http404`."""
    if constant_time_compare(request.GET.get("key", ""), watch_key(request, job_uuid)):
        return get_object_or_404(Job, uuid=job_uuid)
    return visible_job(request, job_uuid)


def own_job(request: HttpRequest, job_uuid: UUID) -> Job:
    """A job that its owner or an admin may change; raises `Http404`."""
    jobs = (
        Job.objects.all()
        if is_admin(request)
        else Job.objects.filter(owner=owner_of(request), owner__isnull=False)
    )
    return _found(jobs.filter(uuid=job_uuid).first())


def visible_photo(request: HttpRequest, photo_id: UUID) -> Photo:
    """A photo that its owner, an admin or, where a sample uses it, anybody sees; raises `Http404`."""
    photos = Photo.objects.all()
    if not (is_admin(request) or is_signed(request)):
        photos = photos.filter(_owned(request) | Q(owner=None, uses__job__sample=True)).distinct()
    return _found(photos.filter(pk=photo_id).first())


def visible_output(request: HttpRequest, output_id: UUID) -> Output:
    """An output of a job that the request may see; raises `Http404`."""
    outputs = Output.objects.filter(_seen_by(request, "job__")).select_related("job")
    return _found(outputs.filter(pk=output_id).first())


def own_photos(owner: Owner, ids: list[UUID]) -> list[Photo]:
    """Photos of an owner, in the order asked for; raises `Refused` for one that is not there or not theirs."""
    found = photos_of(owner).in_bulk(ids)
    missing = [str(photo_id) for photo_id in ids if photo_id not in found]
    if missing:
        raise Refused(
            "unknown_photo",
            _("There is no photo {id} of yours. Upload it first.").format(id=missing[0]),
        )
    return [found[photo_id] for photo_id in ids]


def live_share(token: str) -> ShareLink:
    """A link that is neither expired nor revoked; raises `Http404`."""
    return _found(_live(ShareLink.objects.select_related("job").filter(token=token)).first())


def _owned(request: HttpRequest, prefix: str = "") -> Q:
    owner = owner_of(request)
    return Q(**{f"{prefix}owner": owner}) if owner else Q(pk__in=())


def _seen_by(request: HttpRequest, prefix: str = "") -> Q:
    if is_admin(request) or is_signed(request):
        return Q()
    return _owned(request, prefix) | Q(**{f"{prefix}sample": True})


def _found(row: T | None) -> T:
    if row is None:
        raise Http404
    return row


# Pictures on a host of their own ---------------------------------------------------------------------------


class Signer(TimestampSigner):
    def __init__(self) -> None:
        super().__init__(salt="jobs.access.picture")

    def timestamp(self) -> str:
        return b62_encode(int(time.time()) // SAME_SECONDS * SAME_SECONDS)


def address(path: str, query: str = "") -> str:
    """Where a picture is shown to somebody who may see it: if there is a media host there, signed for at most an hour."""
    if config().media_host:
        key = Signer().sign(path).removeprefix(f"{path}:")
        query = f"{query}&key={key}" if query else f"key={key}"
    return f"{config().media_host}{path}?{query}" if query else path


def on_media_host(request: HttpRequest) -> bool:
    there = urlsplit(config().media_host).hostname
    return there is not None and split_domain_port(request.get_host())[0] == there


def is_signed(request: HttpRequest) -> bool:
    """Whether this is an address on the media host, shown within the hour to somebody who might see it."""
    if not on_media_host(request):
        return False
    try:
        Signer().unsign(f"{request.path}:{request.GET.get('key', '')}", max_age=SIGNED_SECONDS)
    except BadSignature:
        return False
    return True


# Sharing -------------------------------------------------------------------------------------------------


def share(
    job: Job, *, expires_in: timedelta | None, original: bool = True, recipe: bool = False
) -> ShareLink:
    """A link by which anybody sees the result; without `expires_in` it lives as long as the job."""
    if job.status != Job.Status.SUCCEEDED:
        raise Refused("nothing_to_share", _("There is no result to share yet."), status=409)
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
