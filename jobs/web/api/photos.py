"""Operations and photos."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import File
from ninja.files import UploadedFile
from ninja.responses import Status as HttpStatus

from jobs.access import identity, visibility
from jobs.intake import receive
from jobs.intake.sniffing import clean_name
from jobs.library import listing, trash
from jobs.models import Asset
from jobs.web.api.app import SERVERS_OWN, Problem, api, auth, refusals
from jobs.web.api.schemas import OperationOut, PhotoChange, PhotoOut, PhotoPage
from jobs.web.parking import aside
from ml.registry import registry

PAGE = 50


@api.get(
    "/operations",
    response={200: list[OperationOut], 400: Problem, 405: Problem, 413: Problem} | SERVERS_OWN,
    auth=None,
)
def operations(request: HttpRequest) -> list[OperationOut]:
    """What can be asked for."""
    return [OperationOut.of(operation) for operation in registry().all()]


@api.post("/photos", response={201: PhotoOut} | refusals(429, 503, 507), auth=auth)
def upload(request: HttpRequest, file: File[UploadedFile]) -> Any:
    """Upload a photo as the form field `file`."""
    photo = receive.receive(identity.owner_made_if_needed(request), file, aside(request))
    return HttpStatus(201, PhotoOut.of(request, photo))


@api.get("/photos", response={200: PhotoPage} | refusals(), auth=auth)
def photos(
    request: HttpRequest,
    q: str = "",
    made: bool | None = None,
    favourite: bool | None = None,
    trashed: bool = False,
    album: UUID | None = None,
    cursor: str = "",
) -> PhotoPage:
    """Your photos, the newest first, a page at a time: uploads and results, or with `made` one of the two.

    With `album`, what that holds; its own order is in the album.
    """
    owner = identity.owner_of(request)
    found = listing.all_of(owner, trashed=trashed) if owner else Asset.objects.none()
    if made is not None:
        found = found.made() if made else found.uploaded()
    if favourite is not None:
        found = found.filter(favourite=favourite)
    if album is not None:
        found = found.filter(places__album=visibility.own_album(request, album))
    if q:
        found = found.filter(listing.matching(q))
    page = listing.page(found.select_related("made_by", "original"), cursor, PAGE)
    return PhotoPage(
        items=[PhotoOut.of(request, asset) for asset in page.rows], next_cursor=page.cursor or None
    )


@api.get("/photos/{photo_id}", response={200: PhotoOut} | refusals(404), auth=auth)
def photo(request: HttpRequest, photo_id: UUID) -> Any:
    return PhotoOut.of(request, visibility.visible_asset(request, photo_id))


@api.patch("/photos/{photo_id}", response={200: PhotoOut} | refusals(404), auth=auth)
def change_photo(request: HttpRequest, photo_id: UUID, body: PhotoChange) -> Any:
    """Give it a name, make it a favourite, or take it out of the trash."""
    asset = visibility.own_asset(request, photo_id)
    if body.name is not None:
        asset.name = clean_name(body.name)
    if body.favourite is not None:
        asset.favourite = body.favourite
    asset.save(update_fields=["name", "favourite"])
    if body.trashed is not None:
        change = trash.throw_away if body.trashed else trash.take_back
        change(Asset.objects.filter(pk=asset.pk))
    return PhotoOut.of(request, visibility.visible_asset(request, photo_id))


@api.delete("/photos/{photo_id}", response={204: None} | refusals(404, 409), auth=auth)
def delete_photo(request: HttpRequest, photo_id: UUID, permanent: bool = False) -> Any:
    """Into the trash, out of which it goes after 30 days; `permanent` deletes it at once."""
    asset = visibility.own_asset(request, photo_id)
    if permanent:
        trash.delete([asset])
    else:
        trash.throw_away(Asset.objects.filter(pk=asset.pk))
    return HttpStatus(204, None)


@api.get("/photos/{photo_id}/versions", response={200: list[PhotoOut]} | refusals(404), auth=auth)
def versions(request: HttpRequest, photo_id: UUID) -> Any:
    """The photo that it descends from, and all that was made of that, the first first."""
    photo = listing.stands_for(visibility.visible_asset(request, photo_id))
    seen = visibility.visible_versions(request, photo)
    return [PhotoOut.of(request, asset) for asset in (photo, *seen)]
