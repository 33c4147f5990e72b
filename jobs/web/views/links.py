"""The links that an owner gives away, and takes back."""

from collections.abc import Sequence
from datetime import timedelta
from io import BytesIO
from uuid import UUID

import segno
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from jobs.access import identity, sharing, visibility
from jobs.errors import Refused
from jobs.models import Asset, Shareable, ShareLink
from jobs.web.presenters.links import LinkPresenter, Sharing, page_of
from jobs.web.views import errors
from jobs.web.views.lookups import back, uuids

SHOWN = 200


@require_safe
def links(request: HttpRequest) -> HttpResponse:
    owner = identity.owner_of(request)
    found = sharing.live_links_of(owner) if owner else ShareLink.objects.none()
    found = found.select_related("job", "asset__made_by", "asset__original", "album")
    return render(request, "links.html", {"links": [LinkPresenter(link) for link in found[:SHOWN]]})


@require_POST
def share_job(request: HttpRequest, job_uuid: UUID) -> HttpResponse:
    return _share(request, visibility.own_job(request, job_uuid))


@require_POST
def share_photo(request: HttpRequest, photo_id: UUID) -> HttpResponse:
    """The photo, or the version of it that the form names."""
    photo = visibility.own_asset(request, photo_id)
    chosen = next(iter(uuids(request.POST.getlist("photo"), 1)), photo_id)
    versions = [*visibility.visible_versions(request, photo).reverse(), photo]
    return _share(request, visibility.own_asset(request, chosen), versions)


@require_POST
def share_album(request: HttpRequest, album_id: UUID) -> HttpResponse:
    return _share(request, visibility.own_album(request, album_id))


@require_POST
def revoke(request: HttpRequest, link_id: int) -> HttpResponse:
    sharing.revoke(ShareLink.objects.filter(pk=visibility.own_link(request, link_id).pk))
    return back(request, "links")


@require_safe
def qr_code(request: HttpRequest, link_id: int) -> HttpResponse:
    """The address of a link, for the camera of a phone that stands by."""
    link = visibility.own_link(request, link_id)
    address = request.build_absolute_uri(reverse("shared", args=[link.token]))
    drawn = BytesIO()
    segno.make(address, micro=False).save(drawn, kind="svg", scale=4, light="white")
    response = HttpResponse(drawn.getvalue(), content_type="image/svg+xml")
    response["Cache-Control"] = "private, no-store"
    return response


def _share(request: HttpRequest, what: Shareable, versions: Sequence[Asset] = ()) -> HttpResponse:
    """Make a link, for as many days as asked for; 0 is for as long as there is what it shows."""
    try:
        link = sharing.share(
            what,
            expires_in=_lifetime(request.POST.get("days", "")),
            original="original" in request.POST,
            recipe="recipe" in request.POST,
            download="download" in request.POST,
            password=request.POST.get("password", ""),
        )
    except Refused as error:
        return errors.refused(request, error)
    if request.htmx:  # type: ignore[attr-defined]
        shown = {"sharing": Sharing(what, str(link.pk), versions), "limits": settings.LATENT}
        return render(request, "parts/share.html", shown)
    return redirect(f"{page_of(what)}?link={link.pk}#share")


def _lifetime(days: str) -> timedelta | None:
    count = int(days) if days.isdecimal() and len(days) < 5 else settings.LATENT.share_days
    return timedelta(days=count) if count else None
