"""The albums of an owner: all of them, each by itself, and what is done with one."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jobs.access import identity, visibility
from jobs.errors import Refused
from jobs.library import albums as library
from jobs.library import export
from jobs.library.listing import page
from jobs.models import Album, Asset
from jobs.web.downloads import as_zip
from jobs.web.presenters.links import Sharing
from jobs.web.presenters.photo import AlbumTile, PhotoTile
from jobs.web.views.lookups import back, uuids
from ml.core.text import capped

PAGE = 120
MOST_CHOSEN = 900

Act = Callable[[HttpRequest, Album], HttpResponse | None]


@require_http_methods(["GET", "HEAD", "POST"])
def albums(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        try:
            made = library.create(identity.owner_made_if_needed(request), request.POST.get("name", ""))
        except Refused as error:
            messages.error(request, str(error))
            return redirect("albums")
        return redirect("album", made.pk)
    owner = identity.owner_of(request)
    found = library.with_covers(owner.albums.all()) if owner else Album.objects.none()
    part = page(found, request.GET.get("cursor", ""), PAGE)
    older = f"{reverse('albums')}?{urlencode({'cursor': part.cursor})}" if part.cursor else ""
    return render(request, "albums.html", {"tiles": AlbumTile.of_all(part.rows), "older": older})


@require_safe
def album(request: HttpRequest, album_id: UUID) -> HttpResponse:
    """What is in it, in its order; with `?arrange`, to be ordered."""
    shown = visibility.own_album(request, album_id)
    start = capped(request.GET.get("from", "")) or 0
    found = list(library.photos(shown).select_related("made_by", "original")[start : start + PAGE + 1])
    arranged = "arrange" in request.GET
    here = reverse("album", args=[shown.pk])
    mode = "arrange&" if arranged else ""
    context: dict[str, Any] = {
        "album": shown,
        "tiles": [PhotoTile(photo, 0, at_work=False) for photo in found[:PAGE]],
        "count": library.photos(shown).count(),
        "start": start,
        "more": f"{here}?{mode}from={start + PAGE}" if len(found) > PAGE else "",
        "arranged": arranged,
        "sharing": Sharing(shown, request.GET.get("link", "")),
        "limits": settings.LATENT,
        "here": request.get_full_path(),
    }
    return render(request, "album.html", context)


@require_safe
def download(request: HttpRequest, album_id: UUID) -> HttpResponseBase:
    """All that is in it, under the names of its owner."""
    shown = visibility.own_album(request, album_id)
    found = library.photos(shown).select_related("made_by", "original")
    return as_zip(export.files_of(found, identity.owner_of(request)), shown.name)


@require_POST
def act(request: HttpRequest, album_id: UUID) -> HttpResponse:
    """Change an album, or what is in it."""
    changed = visibility.own_album(request, album_id)
    do = ACTS.get(request.POST.get("do", ""))
    try:
        done = do(request, changed) if do else None
    except Refused as error:
        messages.error(request, str(error))
        done = None
    return done or back(request, reverse("album", args=[changed.pk]))


def _rename(request: HttpRequest, album: Album) -> None:
    library.rename(album, request.POST.get("name", ""))


def _delete(request: HttpRequest, album: Album) -> HttpResponse:
    album.delete()
    messages.success(request, _("The album is gone. Its photos stay in the library."))
    return redirect("albums")


def _remove(request: HttpRequest, album: Album) -> None:
    chosen = uuids(request.POST.getlist("photo"), MOST_CHOSEN)
    count = library.remove(album, Asset.objects.filter(pk__in=chosen))
    said = ngettext("{count} photo taken out.", "{count} photos taken out.", count).format(count=count)
    messages.success(request, said)


def _cover(request: HttpRequest, album: Album) -> None:
    if chosen := _chosen(request, album):
        album.cover = chosen
        album.save(update_fields=["cover"])


def _earlier(request: HttpRequest, album: Album) -> None:
    if chosen := _chosen(request, album):
        library.step(album, chosen, later=False)


def _later(request: HttpRequest, album: Album) -> None:
    if chosen := _chosen(request, album):
        library.step(album, chosen, later=True)


def _place(request: HttpRequest, album: Album) -> None:
    """Before the photo that is named, or at the end."""
    if chosen := _chosen(request, album):
        library.place(album, chosen, _chosen(request, album, "before"))


def _chosen(request: HttpRequest, album: Album, field: str = "photo") -> Asset | None:
    """The first of the photos that a form names, if the album holds it."""
    return library.photos(album).filter(pk__in=uuids(request.POST.getlist(field), 1)).first()


ACTS: dict[str, Act] = {
    "rename": _rename,
    "delete": _delete,
    "remove": _remove,
    "cover": _cover,
    "earlier": _earlier,
    "later": _later,
    "place": _place,
}
