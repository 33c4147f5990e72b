"""What several pages look up."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

from jobs.access import identity, visibility
from jobs.intake import receive
from jobs.models import Asset, Owner
from jobs.queue import admission
from ml.core.errors import UnknownOperation
from ml.core.operation import Operation
from ml.registry import registry

MOST_AT_ONCE = 100
"""Files that a form without a script may bring."""
MOST_NAMED = 900
"""As many fields as a form may have, and some to spare."""


def upload_context(request: HttpRequest) -> dict[str, Any]:
    return {
        "limits": settings.LATENT,
        "closed": admission.closed(),
        "stranger": identity.owner_of(request) is None,
    }


def chosen(request: HttpRequest, query: QueryDict) -> list[UUID]:
    """The photos that an address is about: those it names, and those of the draft that it names."""
    named = query.getlist("photo")
    for draft_id in uuids(query.getlist("draft")):
        named = [*named, *visibility.own_draft(request, draft_id).photos]
    return uuids(named)


def inputs_of(request: HttpRequest, query: QueryDict) -> dict[str, list[UUID]]:
    """The photos in each slot of the earlier job that an address names; those that are gone are left out."""
    photos: dict[str, list[UUID]] = {}
    for job_uuid in uuids(query.getlist("again")):
        for item in visibility.visible_job(request, job_uuid).inputs.select_related("asset"):
            if item.asset:
                photos.setdefault(item.slot, []).append(item.asset.pk)
    return photos


def uuids(texts: Sequence[str], most: int = MOST_NAMED) -> list[UUID]:
    ids = []
    for text in dict.fromkeys(texts[:most]):
        try:
            ids.append(UUID(text))
        except ValueError:
            continue
    return ids


def own_copy(owner: Owner, photo: Asset) -> Asset:
    """The photo, or where it is a sample of the site, a copy that belongs to the owner."""
    if photo.owner_id == owner.pk:
        return photo
    with photo.file.open("rb") as file:
        return receive.receive(owner, UploadedFile(file, photo.name, size=photo.bytes))


def back(request: HttpRequest, otherwise: str) -> HttpResponseRedirect:
    """To the page of this site that a form says it came from, or to another one."""
    place = request.POST.get("back", "")
    return redirect(place if url_has_allowed_host_and_scheme(place, allowed_hosts=None) else otherwise)


def operation_or_404(slug: str) -> Operation:
    try:
        return registry().get(slug)
    except UnknownOperation:
        raise Http404 from None
