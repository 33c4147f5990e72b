"""Pictures and files, to whoever may see them. Nothing is served from a public folder."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotModified,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from jobs.access import identity, sharing, signing, visibility
from jobs.errors import StorageAway, storage_away
from jobs.library import naming
from jobs.library.carrying import BLOCK_BYTES, Laden, told_of
from jobs.messages import PAST_THE_END, told
from jobs.models import Asset, Carried, ShareLink
from jobs.queue import live
from jobs.queue.chain import recipe_of
from jobs.storage import copies
from jobs.storage.thumbnails import THUMBNAIL_SIDES, thumbnail_of
from jobs.web.views import errors
from ml.core.about import NOTHING_KNOWN, About
from ml.core.formats import FORMATS, FileFormat, Kind
from ml.core.recipe import embed
from ml.core.text import capped

OWNERS = "private, max-age=31536000, immutable"
SHARED = "private, no-cache"


@require_safe
def photo(request: HttpRequest, photo_id: UUID) -> HttpResponseBase:
    return _send_asset(request, visibility.visible_asset(request, photo_id), OWNERS)


@require_safe
def output(request: HttpRequest, output_id: UUID) -> HttpResponseBase:
    return _send_asset(request, visibility.visible_asset(request, output_id), OWNERS)


@require_safe
def preview(request: HttpRequest, job_uuid: UUID) -> HttpResponseBase:
    found = live.preview(visibility.visible_job(request, job_uuid).uuid)
    if found is None:
        raise Http404
    return _moved(request) or _guarded(HttpResponse(found, content_type="image/webp"), "private, no-store")


@require_safe
def shared_output(request: HttpRequest, token: str, output_id: UUID) -> HttpResponseBase:
    return shared_photo(request, token, output_id)


@require_safe
def shared_photo(request: HttpRequest, token: str, photo_id: UUID) -> HttpResponseBase:
    link = sharing.open_share(request, token)
    asset = sharing.shown_asset(link, photo_id)
    made_by = asset.made_by if link.recipe else None
    return _send_shared(request, link, asset, recipe=recipe_of(made_by) if made_by else None)


def _send_asset(request: HttpRequest, asset: Asset, caching: str) -> HttpResponseBase:
    """An asset to whoever sees the job that made it; a download of a picture carries the recipe, and to its owner its facts."""
    name, copy = naming.file_name(asset), _copy_asked_for(request, asset)
    if "download" not in request.GET and not copy:
        return _moved(request) or _send(request, asset, name, caching)
    recipe = recipe_of(asset.made_by) if asset.made_by else None
    if copy:
        return _moved(request) or _send_copy(asset, *copy, recipe)
    about = told_of(asset, _carried(request, asset))
    # What it carries may change, and its address does not.
    return _moved(request) or _send(request, asset, name, "private, no-cache", recipe=recipe, about=about)


def _carried(request: HttpRequest, asset: Asset) -> str:
    """What of its facts a download says: as its owner asks, for this once or always; to others nothing.

    The media host does not know who asks: there it is no more than its owner lets out always.
    """
    is_own = identity.is_owner_of(request, asset)
    if asset.owner is None or not (is_own or signing.on_media_host(request)):
        return Carried.NOTHING
    always, asked = asset.owner.carried, request.GET.get("facts", "")
    if asked not in Carried.values:
        return always
    return asked if is_own else max(asked, always, key=Carried.values.index)


def _copy_asked_for(request: HttpRequest, asset: Asset) -> tuple[FileFormat, int | None] | None:
    """The format and the longest side, where another than the stored file is wanted."""
    side = next((side for side in copies.SIDES if request.GET.get("side") == str(side)), None)
    wanted = next((each for each in copies.FORMATS_OFFERED if each == request.GET.get("format")), None)
    if asset.kind != Kind.IMAGE or not (side or wanted):
        return None
    stored = next(
        (each for each in copies.FORMATS_OFFERED if each == asset.format), copies.FORMATS_OFFERED[0]
    )
    if side and max(asset.width, asset.height) <= side:
        side = None
    return None if (wanted or stored) == asset.format and not side else (wanted or stored, side)


def _send_copy(
    asset: Asset, file_format: FileFormat, side: int | None, recipe: dict[str, Any] | None
) -> HttpResponseBase:
    content = copies.copy_of(asset, file_format, side)
    head, tail = embed(content, len(content), recipe) if recipe else (content, b"")
    response = HttpResponse(head + tail, content_type=FORMATS[file_format].media_type)
    name = f"{naming.stem(asset)}{f'-{side}px' if side else ''}{FORMATS[file_format].suffix}"
    response["Content-Disposition"] = content_disposition_header(True, name)
    return _guarded(response, "private, no-store")


def _send_shared(
    request: HttpRequest, link: ShareLink, asset: Asset, *, recipe: dict[str, Any] | None = None
) -> HttpResponseBase:
    """An asset to whoever has a link, who does not learn what its owner called it; to look at, or the file as well."""
    if not link.download and not asset.media_type.startswith(("image/", "video/")):
        raise Http404
    name, recipe = naming.nameless(asset), recipe if link.download else None
    return _moved(request) or _send(
        request, asset, name, SHARED, recipe=recipe, only_to_look_at=not link.download
    )


def _moved(request: HttpRequest) -> HttpResponseBase | None:
    """To the media host, where there is one and this is not it."""
    if not settings.LATENT.media_host or signing.on_media_host(request):
        return None
    response = HttpResponseRedirect(signing.address(request.path, request.META["QUERY_STRING"]))
    response["Cache-Control"] = "private, no-store"
    return response


def _laden(laden: Laden, media_type: str, name: str) -> HttpResponseBase:
    response = StreamingHttpResponse(laden, content_type=media_type)
    response["Content-Length"] = laden.size
    response["Content-Disposition"] = content_disposition_header(True, name)
    return response


def _send(
    request: HttpRequest,
    asset: Asset,
    name: str,
    caching: str,
    *,
    recipe: dict[str, Any] | None = None,
    about: About = NOTHING_KNOWN,
    only_to_look_at: bool = False,
) -> HttpResponseBase:
    """The file, or with `?size=` a small copy of a picture or of a video's first; with `?download` as an attachment."""
    side = next((side for side in THUMBNAIL_SIDES if request.GET.get("size") == str(side)), None)
    if only_to_look_at and not side and asset.is_picture:
        side = THUMBNAIL_SIDES[-1]
    etag = f'"{asset.sha256[:32]}{f"-{side}" if side else ""}"'
    try:
        if (recipe or about.known()) and "download" in request.GET and asset.is_picture:
            return _guarded(_laden(Laden(asset, recipe, about), asset.media_type, name), caching)
        if etag in request.headers.get("If-None-Match", ""):
            response: HttpResponseBase = HttpResponseNotModified()
        elif side and asset.media_type.startswith(("image/", "video/")):
            video = asset.media_type.startswith("video/")
            small = thumbnail_of(asset.file, asset.sha256, side, video=video)
            response = HttpResponse(small, content_type="image/webp")
        else:
            response = _whole(request, asset, etag)
            attached = "download" in request.GET or not asset.media_type.startswith(("image/", "video/"))
            response["Content-Disposition"] = content_disposition_header(attached, name) or "inline"
    except FileNotFoundError:
        raise Http404 from None
    except StorageAway:
        return errors.refused(request, storage_away())
    response["ETag"] = etag
    return _guarded(response, caching)


def _whole(request: HttpRequest, asset: Asset, etag: str) -> HttpResponseBase:
    """The file: by nginx, where one is in front and has the files at hand, else in the answer."""
    if settings.LATENT.accel_redirect and not settings.LATENT.s3_bucket:
        response = HttpResponse(content_type=asset.media_type)
        response["X-Accel-Redirect"] = settings.LATENT.accel_redirect + quote(str(asset.file))
        return response
    return _whole_or_range(request, asset.file.open("rb"), asset.bytes, asset.media_type, etag)


def _whole_or_range(
    request: HttpRequest, file: Any, size: int, media_type: str, etag: str
) -> HttpResponseBase:
    """The file, or the range of it that a video player asks for (RFC 9110, 14.2)."""
    asked = _asked_range(request, size, etag)
    if asked is None:
        response: HttpResponseBase = FileResponse(file, content_type=media_type)
    elif not asked:
        file.close()
        response = HttpResponse(told(PAST_THE_END), status=416, content_type="text/plain; charset=utf-8")
        response["Content-Range"] = f"bytes */{size}"
    else:
        file.seek(asked.start)
        response = StreamingHttpResponse(_part(file, len(asked)), status=206, content_type=media_type)
        response["Content-Range"] = f"bytes {asked.start}-{asked.stop - 1}/{size}"
        response["Content-Length"] = len(asked)
    response["Accept-Ranges"] = "bytes"
    return response


def _asked_range(request: HttpRequest, size: int, etag: str) -> range | None:
    """Which bytes are asked for: empty where there are none such, None where all are, or what is asked is no range."""
    asked = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("Range", ""), re.ASCII)
    if not asked or request.method != "GET" or request.headers.get("If-Range", etag) != etag:
        return None
    first, last = (capped(digits) for digits in asked.groups())
    if first is None:
        return None if last is None else range(max(0, size - last), size)
    if last is not None and last < first:
        return None
    return range(first, size if last is None else min(last + 1, size))


def _part(file: Any, length: int) -> Iterator[bytes]:
    with file:
        while length > 0 and (block := file.read(min(BLOCK_BYTES, length))):
            length -= len(block)
            yield block


def _guarded(response: HttpResponseBase, caching: str) -> HttpResponseBase:
    response["Cache-Control"] = caching
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "cross-origin" if settings.LATENT.media_host else "same-origin"
    return response
