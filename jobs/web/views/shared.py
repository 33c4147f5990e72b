"""What somebody with a link sees."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from jobs.access import sharing
from jobs.errors import Refused
from jobs.library import export
from jobs.library.naming import nameless
from jobs.models import Asset, ShareLink
from jobs.queue.state import State
from jobs.web.downloads import as_zip
from jobs.web.presenters.job import JobPresenter
from jobs.web.presenters.photo import PhotoTile
from jobs.web.presenters.shared import SharedPhoto, beside
from ml.core.text import capped

PAGE = 120


@require_http_methods(["GET", "HEAD", "POST"])
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """A result, a photo or an album, once the password was given where there is one."""
    link = sharing.live_share(token)
    if request.method == "POST" and link.password:
        return _unlock(request, link)
    if request.method == "POST" or not sharing.is_open(request, link):
        return _locked(request) if link.password else redirect("shared", token)
    sharing.count_view(request, link)
    if link.album_id:
        return _shown_album(request, link)
    if link.asset:
        return _shown_photo(request, link, link.asset)
    job = link.job
    assert job is not None
    presenter = JobPresenter(job, State(series=job.series), token=token, original=link.original)
    return _shown(request, "shared.html", {"link": link, "presenter": presenter, "job": job})


@require_safe
def shared_view(request: HttpRequest, token: str, photo_id: UUID) -> HttpResponse:
    """A photo of an album by itself, with the ways to those beside it."""
    link = sharing.open_share(request, token)
    row = list(sharing.shown(link).values_list("pk", flat=True)) if link.album_id else []
    if photo_id not in row:
        raise Http404
    shown = sharing.shown_asset(link, photo_id)
    earlier, later = beside(row, photo_id)
    return _shown_photo(request, link, shown, {"album": link.album, "earlier": earlier, "later": later})


@require_safe
def shared_zip(request: HttpRequest, token: str) -> HttpResponseBase:
    """All that a link is to, where it may be downloaded; so many times an hour."""
    link = sharing.open_share(request, token)
    if not link.download:
        raise Http404
    sharing.count_zip(link)
    return as_zip(export.files_of(sharing.shown(link), None, nameless), "photos")


def _shown_album(request: HttpRequest, link: ShareLink) -> HttpResponse:
    start = capped(request.GET.get("from", "")) or 0
    photos = list(sharing.shown(link)[start : start + PAGE + 1])
    context = {
        "link": link,
        "tiles": [PhotoTile(photo, 0, at_work=False, token=link.token) for photo in photos[:PAGE]],
        "count": sharing.shown(link).count(),
        "start": start,
        "more": f"{request.path}?from={start + PAGE}" if len(photos) > PAGE else "",
    }
    return _shown(request, "shared_album.html", context)


def _shown_photo(
    request: HttpRequest, link: ShareLink, asset: Asset, around: dict[str, Any] | None = None
) -> HttpResponse:
    presenter = SharedPhoto(link, asset)
    context = {"link": link, "presenter": presenter, "job": presenter.job, **(around or {})}
    return _shown(request, "shared_photo.html", context)


def _shown(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    response = render(request, template, context)
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Cache-Control"] = "private, no-cache"
    return response


def _unlock(request: HttpRequest, link: ShareLink) -> HttpResponse:
    try:
        sharing.unlock(request, link, request.POST.get("password", ""))
    except Refused as error:
        return _locked(request, error)
    return redirect("shared", link.token)


def _locked(request: HttpRequest, refused: Refused | None = None) -> HttpResponse:
    """Asks for the password, and says nothing of what is behind it."""
    response = render(request, "locked.html", {"refused": refused}, status=refused.status if refused else 200)
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Cache-Control"] = "private, no-store"
    if refused and refused.retry_after:
        response["Retry-After"] = str(refused.retry_after)
    return response
