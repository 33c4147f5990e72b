"""The HTTP API, version 1: links that show a result, a photo or an album to whoever has them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from ninja.responses import Status as HttpStatus

from jobs.access import sharing, visibility
from jobs.models import Shareable
from jobs.web.api.app import api, auth, refusals
from jobs.web.api.schemas import ShareIn, ShareOut

MADE: Any = {201: ShareOut} | refusals(404, 409)
REVOKED: Any = {204: None} | refusals(404)


@api.post("/jobs/{job_uuid}/share", response=MADE, auth=auth)
def share_job(request: HttpRequest, job_uuid: UUID, body: ShareIn | None = None) -> Any:
    """A link by which anybody sees the result."""
    return _share(request, visibility.own_job(request, job_uuid), body)


@api.delete("/jobs/{job_uuid}/share", response=REVOKED, auth=auth)
def revoke_shares(request: HttpRequest, job_uuid: UUID) -> Any:
    """Every link to the job is dead at once."""
    return _revoke(visibility.own_job(request, job_uuid))


@api.post("/photos/{photo_id}/share", response=MADE, auth=auth)
def share_photo(request: HttpRequest, photo_id: UUID, body: ShareIn | None = None) -> Any:
    """A link by which anybody sees this photo."""
    return _share(request, visibility.own_asset(request, photo_id), body)


@api.delete("/photos/{photo_id}/share", response=REVOKED, auth=auth)
def revoke_photo_shares(request: HttpRequest, photo_id: UUID) -> Any:
    """Every link to the photo is dead at once; it may still be in an album that is shared."""
    return _revoke(visibility.own_asset(request, photo_id))


@api.post("/albums/{album_id}/share", response=MADE, auth=auth)
def share_album(request: HttpRequest, album_id: UUID, body: ShareIn | None = None) -> Any:
    """A link by which anybody sees what the album holds."""
    return _share(request, visibility.own_album(request, album_id), body)


@api.delete("/albums/{album_id}/share", response=REVOKED, auth=auth)
def revoke_album_shares(request: HttpRequest, album_id: UUID) -> Any:
    """Every link to the album is dead at once."""
    return _revoke(visibility.own_album(request, album_id))


def _share(request: HttpRequest, what: Shareable, body: ShareIn | None) -> Any:
    body = body or ShareIn()
    seconds = body.expires_in if "expires_in" in body.model_fields_set else settings.LATENT.share_days * 86400
    link = sharing.share(
        what,
        expires_in=timedelta(seconds=seconds) if seconds is not None else None,
        original=body.original,
        recipe=body.recipe,
        download=body.download,
        password=body.password,
    )
    url = request.build_absolute_uri(reverse("shared", args=[link.token]))
    return HttpStatus(201, ShareOut(url=url, expires_at=link.expires_at))


def _revoke(what: Shareable) -> Any:
    sharing.revoke(what.shares.all())
    return HttpStatus(204, None)
