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
from jobs.models import (
    Album,
    Asset,
    AssetQuerySet,
    Batch,
    Delivery,
    Draft,
    Job,
    Owner,
    Preset,
    ShareLink,
    Webhook,
)

T = TypeVar("T")


def jobs_of(owner: Owner | None) -> QuerySet[Job]:
    """The jobs an owner sees in lists; a stranger sees none."""
    return Job.objects.filter(owner=owner) if owner else Job.objects.none()


def assets_of(owner: Owner) -> AssetQuerySet:
    """What an owner uploaded and made; what lies in the trash stands in no list."""
    return Asset.objects.at_hand().filter(owner=owner)


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


def visible_asset(request: HttpRequest, asset_id: UUID) -> Asset:
    """An asset that its owner, an admin or, where a sample uses or made it, anybody sees; raises `Http404`."""
    return found(_assets_seen_by(request).select_related("made_by", "original").filter(pk=asset_id).first())


def visible_assets(request: HttpRequest, ids: Sequence[UUID]) -> list[Asset]:
    """Those of the assets that the request may see and that are at hand, in the order asked for, in one query."""
    seen = _assets_seen_by(request).at_hand().select_related("made_by", "original").in_bulk(ids)
    return [seen[asset_id] for asset_id in ids if asset_id in seen]


def visible_versions(request: HttpRequest, asset: Asset) -> AssetQuerySet:
    """What was made of a photo, as far as the request may see it, the first first; nothing of the trash."""
    seen = _assets_seen_by(request).at_hand().filter(original=asset)
    return seen.select_related("made_by", "original").order_by("created_at", "position")


def own_asset(request: HttpRequest, asset_id: UUID) -> Asset:
    """An asset that its owner or an admin may change; raises `Http404`."""
    assets = Asset.objects.all() if is_admin(request) else Asset.objects.filter(_owned(request))
    return found(assets.filter(pk=asset_id).first())


def own_assets(owner: Owner, ids: list[UUID]) -> list[Asset]:
    """Assets of an owner, in the order asked for; raises `Refused` for one that is not there or not theirs."""
    found = assets_of(owner).in_bulk(ids)
    missing = [str(asset_id) for asset_id in ids if asset_id not in found]
    if missing:
        raise Refused(UNKNOWN_PHOTO(id=missing[0]))
    return [found[asset_id] for asset_id in ids]


def own_batch(request: HttpRequest, batch_id: UUID) -> Batch:
    """What one request asked for, for whoever asked, and for an admin; raises `Http404`."""
    batches = Batch.objects.all() if is_admin(request) else Batch.objects.filter(_owned(request))
    return found(batches.filter(pk=batch_id).first())


def own_preset(request: HttpRequest, preset_id: UUID) -> Preset:
    """A preset that its owner may change, and an admin one of the site's; raises `Http404`."""
    of_the_site = Q(owner=None) if is_admin(request) else Q(pk__in=())
    return found(Preset.objects.filter(_owned(request) | of_the_site, pk=preset_id).first())


def own_album(request: HttpRequest, album_id: UUID) -> Album:
    """An album that its owner or an admin sees and may change; raises `Http404`."""
    albums = Album.objects.all() if is_admin(request) else Album.objects.filter(_owned(request))
    return found(albums.select_related("owner").filter(pk=album_id).first())


def own_link(request: HttpRequest, link_id: int) -> ShareLink:
    """A link that its owner or an admin may revoke; raises `Http404`."""
    links = ShareLink.objects.select_related("job", "asset", "album").filter(pk=link_id)
    if not is_admin(request):
        owner = owner_of(request)
        links = links.filter(given_by(owner)) if owner else links.none()
    return found(links.first())


def given_by(owner: Owner) -> Q:
    """Of links, those to what is an owner's."""
    return Q(job__owner=owner) | Q(asset__owner=owner) | Q(album__owner=owner)


def own_draft(request: HttpRequest, draft_id: UUID) -> Draft:
    """Photos that came in together, for whoever sent them; raises `Http404`."""
    return found(Draft.objects.filter(_owned(request), pk=draft_id).first())


def own_webhook(request: HttpRequest, webhook_id: UUID) -> Webhook:
    """A webhook, for its owner alone: its address may be a secret; raises `Http404`."""
    return found(Webhook.objects.filter(_owned(request), pk=webhook_id).first())


def own_delivery(request: HttpRequest, delivery_id: UUID) -> Delivery:
    """What was told to a webhook, for its owner alone; raises `Http404`."""
    told = Delivery.objects.filter(_owned(request), webhook__isnull=False).select_related("webhook")
    return found(told.filter(pk=delivery_id).first())


def _assets_seen_by(request: HttpRequest) -> AssetQuerySet:
    if is_admin(request) or is_signed(request):
        return Asset.objects.all()
    of_samples = Q(owner=None) & (Q(uses__job__sample=True) | Q(made_by__sample=True))
    return Asset.objects.filter(_owned(request) | of_samples).distinct()


def _owned(request: HttpRequest) -> Q:
    owner = owner_of(request)
    return Q(owner=owner) if owner else Q(pk__in=())


def _seen_by(request: HttpRequest) -> Q:
    if is_admin(request) or is_signed(request):
        return Q()
    return _owned(request) | Q(sample=True)


def found(row: T | None) -> T:
    if row is None:
        raise Http404
    return row
