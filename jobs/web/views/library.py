"""The photos of an owner, each with all that was made of it."""

import time
from collections.abc import Callable, Sequence
from itertools import groupby
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from jobs.access import identity, visibility
from jobs.errors import Refused
from jobs.library import albums, export, listing, trash
from jobs.models import Album, Asset, AssetQuerySet, Job, Owner
from jobs.web.downloads import as_zip
from jobs.web.presenters.about import facts
from jobs.web.presenters.links import Sharing
from jobs.web.presenters.photo import PhotoPresenter, PhotoTile
from jobs.web.views.choose import choose_url
from jobs.web.views.lookups import back, uuids
from ml.core.about import About
from ml.core.formats import Kind
from ml.registry import registry

PAGE = 60
THROWN = "thrown_away"
"""In the session: what was thrown away last, and when, to be taken back."""
UNDO_SECONDS = 600

Act = Callable[[HttpRequest, AssetQuerySet], HttpResponseBase | None]


@require_safe
def library(request: HttpRequest) -> HttpResponse:
    owner = identity.owner_of(request)
    asked = _asked(request)
    page = _page(owner, asked, request.GET.get("cursor", ""))
    tiles = [PhotoTile(photo, photo.version_count or 0, photo.at_work) for photo in page.rows]  # type: ignore[attr-defined]
    days = groupby(tiles, key=lambda tile: timezone.localdate(tile.photo.created_at))
    kept = {name: request.GET[name] for name in _FILTERS if request.GET.get(name)}
    context = {
        "days": [(day, list(of_one)) for day, of_one in days],
        "older": _address(kept, cursor=page.cursor) if page.cursor else "",
        "asked": asked,
        "show": request.GET.get("show", ""),
        "shows": [(value, label, _address(kept, show=value)) for value, label in SHOWS],
        "filtered": bool(kept),
        "operations": registry().all(),
        "kinds": [Kind.IMAGE, Kind.ANIMATION, Kind.VIDEO, Kind.ARCHIVE, Kind.MODEL],
        "albums": owner.albums.order_by("name") if owner else [],
        "here": request.get_full_path(),
        "thrown": _thrown(request) if owner else [],
        "in_trash": bool(owner and listing.all_of(owner, trashed=True).exists()),
    }
    return render(request, "library.html", context)


@require_safe
def trashed(request: HttpRequest) -> HttpResponse:
    """What its owner threw away, until it is gone for good."""
    owner = identity.owner_of(request)
    found = listing.all_of(owner, trashed=True) if owner else Asset.objects.none()
    page = listing.page(found.select_related("made_by", "original"), request.GET.get("cursor", ""), PAGE)
    context = {
        "tiles": [PhotoTile(asset, 0, at_work=False) for asset in page.rows],
        "older": f"{reverse('library-trash')}?{urlencode({'cursor': page.cursor})}" if page.cursor else "",
        "here": request.get_full_path(),
    }
    return render(request, "trash.html", context)


@require_safe
def photo(request: HttpRequest, photo_id: UUID) -> HttpResponse:
    """A photo and its versions; that of a version is its photo's."""
    asked_for = visibility.visible_asset(request, photo_id)
    shown = listing.stands_for(asked_for)
    made = list(visibility.visible_versions(request, shown))[::-1]
    if asked_for in made:  # the version that the address names is on the stage
        made = [asked_for, *(each for each in made if each != asked_for)]
    against = next((each for each in made if str(each.pk) == request.GET.get("against")), shown)
    owner = identity.owner_of(request)
    history = _history(shown, made)
    context = {
        "presenter": PhotoPresenter(shown, made, against),
        "photo": shown,
        "history": history,
        "at_work": [job for job in history if not job.finished],
        "albums": shown.owner.albums.order_by("name") if shown.owner else [],
        "in_albums": Album.objects.filter(places__asset=shown).order_by("name"),
        "sharing": Sharing((made or [shown])[0], request.GET.get("link", ""), [*made, shown]),
        "limits": settings.LATENT,
        "mine": shown.owner_id is not None
        and (identity.is_admin(request) or (owner is not None and owner.pk == shown.owner_id)),
        "about": facts(About(**shown.about)) if identity.is_owner_of(request, shown) else [],
        "here": request.get_full_path(),
    }
    return render(request, "photo.html", context)


@require_POST
def act(request: HttpRequest) -> HttpResponseBase:
    """Do something with the photos that were chosen."""
    owner = identity.owner_of(request)
    undone = request.POST.get("do") == "undo"
    chosen = _thrown(request) if undone else uuids(request.POST.getlist("photo"))
    assets = owner.assets.filter(pk__in=chosen) if owner else Asset.objects.none()
    do = ACTS.get(request.POST.get("do", ""))
    if do is None or not assets.exists():
        messages.error(request, _("Choose photos first."))
        return back(request, "library")
    try:
        return do(request, assets) or back(request, "library")
    except Refused as error:
        messages.error(request, str(error))
        return back(request, "library")


def _thrown(request: HttpRequest) -> list[str]:
    """What the page still offers to take back."""
    last = request.session.get(THROWN)
    return last["photos"] if last and time.time() - last["at"] < UNDO_SECONDS else []


def _run(request: HttpRequest, assets: AssetQuerySet) -> HttpResponse:
    return redirect(choose_url(request, list(assets.at_hand().values_list("pk", flat=True))))


def _zip(request: HttpRequest, assets: AssetQuerySet) -> HttpResponseBase:
    return as_zip(export.files_of(assets.at_hand(), identity.owner_of(request)), "photos")


def _into_album(request: HttpRequest, assets: AssetQuerySet) -> None:
    """Into an album that there is, or into a new one of the name that the form gives."""
    owner = identity.owner_of(request)
    assert owner is not None  # whose the photos are
    chosen = assets.at_hand().in_bulk()
    photos = [chosen[pk] for pk in uuids(request.POST.getlist("photo")) if pk in chosen]
    album = owner.albums.filter(pk__in=uuids(request.POST.getlist("album"), 1)).first()
    if album is None:
        album, count = albums.create(owner, request.POST.get("album_name", ""), photos), len(photos)
    else:
        count = albums.add(album, photos)
    said = ngettext("{count} photo is in {link} now.", "{count} photos are in {link} now.", count)
    link = format_html('<a href="{}">{}</a>', reverse("album", args=[album.pk]), album.name)
    messages.success(request, format_html(said, count=count, link=link))


def _favourite(request: HttpRequest, assets: AssetQuerySet) -> None:
    assets.update(favourite=True)


def _no_favourite(request: HttpRequest, assets: AssetQuerySet) -> None:
    assets.update(favourite=False)


def _throw_away(request: HttpRequest, assets: AssetQuerySet) -> HttpResponse | None:
    """A photo with its versions, where the form says so."""
    going = trash.with_versions(assets) if "versions" in request.POST else assets
    photos = [str(pk) for pk in going.at_hand().values_list("pk", flat=True)]
    request.session[THROWN] = {"at": time.time(), "photos": photos}
    count = trash.throw_away(going)
    said = ngettext(
        "{count} file is in the trash for 30 days.", "{count} files are in the trash for 30 days.", count
    )
    messages.success(request, said.format(count=count))
    return (
        redirect("library") if "versions" in request.POST else None
    )  # its page is no longer the place to be


def _take_back(request: HttpRequest, assets: AssetQuerySet) -> None:
    trash.take_back(assets)
    request.session.pop(THROWN, None)


def _delete(request: HttpRequest, assets: AssetQuerySet) -> None:
    count = trash.delete(assets.exclude(trashed_at=None))
    said = ngettext("{count} file deleted for good.", "{count} files deleted for good.", count)
    messages.success(request, said.format(count=count))


ACTS: dict[str, Act] = {
    "run": _run,
    "zip": _zip,
    "album": _into_album,
    "favourite": _favourite,
    "no-favourite": _no_favourite,
    "trash": _throw_away,
    "restore": _take_back,
    "undo": _take_back,
    "delete": _delete,
}
SHOWS = (
    ("", gettext_lazy("All")),
    ("favourites", gettext_lazy("Favourites")),
    ("running", gettext_lazy("At work")),
    ("failed", gettext_lazy("Did not work")),
)
_FILTERS = ("q", "operation", "kind", "album", "show")


def _asked(request: HttpRequest) -> listing.Asked:
    kind, show = request.GET.get("kind", ""), request.GET.get("show", "")
    operation, _colon, method = request.GET.get("operation", "")[:129].partition(":")
    return listing.Asked(
        search=request.GET.get("q", "").strip()[:120],
        operation=operation,
        method=method,
        kind=kind if kind in set(Kind) else "",
        album=next(iter(uuids(request.GET.getlist("album"), 1)), None),
        favourite=show == "favourites",
        running=show == "running",
        failed=show == "failed",
    )


def _page(owner: Owner | None, asked: listing.Asked, cursor: str) -> listing.Page[Asset]:
    if owner is None:
        return listing.Page()
    found = listing.with_counts(listing.photos(owner, asked)).select_related("made_by", "original")
    return listing.page(found, cursor, PAGE)


def _address(kept: dict[str, str], **changes: str) -> str:
    query = {name: value for name, value in (kept | changes).items() if value}
    return f"{reverse('library')}?{urlencode(query)}" if query else reverse("library")


def _history(photo: Asset, made: Sequence[Asset]) -> list[Job]:
    """The jobs that were run on a photo or on a version of it, the newest first."""
    jobs = Job.objects.filter(inputs__asset__in=[photo, *made], owner=photo.owner).distinct()
    return list(jobs.order_by("-id")[:50])
