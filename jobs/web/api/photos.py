"""Operations and photos."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import File
from ninja.files import UploadedFile
from ninja.responses import Status as HttpStatus

from jobs.access import identity, visibility
from jobs.intake import receive
from jobs.web.api.app import SERVERS_OWN, Problem, api, auth, refusals
from jobs.web.api.schemas import OperationOut, PhotoOut
from ml.registry import registry


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
    photo = receive.receive(identity.owner_made_if_needed(request), file)
    return HttpStatus(201, PhotoOut.of(request, photo))


@api.get("/photos/{photo_id}", response={200: PhotoOut} | refusals(404), auth=auth)
def photo(request: HttpRequest, photo_id: UUID) -> Any:
    return PhotoOut.of(request, visibility.visible_asset(request, photo_id))
