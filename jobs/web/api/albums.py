"""The HTTP API, version 1: albums."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja.responses import Status as HttpStatus

from jobs.access import identity, visibility
from jobs.errors import Refused
from jobs.library import albums as library
from jobs.library import listing
from jobs.messages import UNKNOWN_PHOTO
from jobs.models import Album
from jobs.web.api.app import api, auth, refusals
from jobs.web.api.schemas import AlbumChange, AlbumIn, AlbumOut, AlbumPage

PAGE = 50


@api.get("/albums", response={200: AlbumPage} | refusals(), auth=auth)
def albums(request: HttpRequest, cursor: str = "") -> AlbumPage:
    """Your albums, the newest first, a page at a time."""
    owner = identity.owner_of(request)
    found = owner.albums.all() if owner else Album.objects.none()
    page = listing.page(found, cursor, PAGE)
    return AlbumPage(items=[AlbumOut.of(album) for album in page.rows], next_cursor=page.cursor or None)


@api.post("/albums", response={201: AlbumOut} | refusals(409), auth=auth)
def create_album(request: HttpRequest, body: AlbumIn) -> Any:
    """A new album, with photos of yours in their order."""
    owner = identity.owner_made_if_needed(request)
    photos = visibility.own_assets(owner, body.photos)
    return HttpStatus(201, AlbumOut.of(library.create(owner, body.name, photos)))


@api.get("/albums/{album_id}", response={200: AlbumOut} | refusals(404), auth=auth)
def album(request: HttpRequest, album_id: UUID) -> Any:
    return AlbumOut.of(visibility.own_album(request, album_id))


@api.patch("/albums/{album_id}", response={200: AlbumOut} | refusals(404, 409), auth=auth)
def change_album(request: HttpRequest, album_id: UUID, body: AlbumChange) -> Any:
    """Give it a name, a cover, or other photos in another order."""
    changed = visibility.own_album(request, album_id)
    if body.name is not None:
        library.rename(changed, body.name)
    if body.photos is not None:
        library.set_photos(changed, visibility.own_assets(changed.owner, body.photos))
    if body.cover is not None:
        cover = library.photos(changed).filter(pk=body.cover).first()
        if cover is None:
            raise Refused(UNKNOWN_PHOTO(id=str(body.cover)))
        changed.cover = cover
        changed.save(update_fields=["cover"])
    return AlbumOut.of(changed)


@api.delete("/albums/{album_id}", response={204: None} | refusals(404), auth=auth)
def delete_album(request: HttpRequest, album_id: UUID) -> Any:
    """Its photos stay."""
    visibility.own_album(request, album_id).delete()
    return HttpStatus(204, None)
