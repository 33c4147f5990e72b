"""Photos come in from the page."""

import logging
import re
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile, UploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from jobs.access import identity, visibility
from jobs.errors import Refused
from jobs.intake import receive
from jobs.library import retention
from jobs.library.samples import SAMPLES
from jobs.messages import NO_FILE, TOO_MANY_FILES
from jobs.models import Asset, Owner
from jobs.queue import presets
from jobs.web.forms import form_url
from jobs.web.parking import aside
from jobs.web.presenters.picture import PicturePresenter
from jobs.web.views import building, errors
from jobs.web.views.choose import choose_url, draft_url
from jobs.web.views.lookups import MOST_AT_ONCE
from ml.core.errors import OperationError
from ml.core.recipe import extract, is_seed
from ml.registry import registry

log = logging.getLogger(__name__)

DIGEST = re.compile(r"[0-9a-f]{64}")


@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    return take_in(request)


def take_in(request: HttpRequest) -> HttpResponse:
    """Photos come in; then the question is what should happen to them. For a script, the photo as JSON."""
    received = _receive_all(request, _files(request))
    if errors.wants_json(request):
        return JsonResponse({**received[0], "photos": received}, status=201)
    ids = [UUID(item["id"]) for item in received]
    if built := building.of_query(request, request.POST):
        building.take(built.draft, ids)
        return redirect(draft_url(built.draft))
    again = next((item["again"] for item in received if item["again"]), None)
    if again and len(received) == 1:
        return redirect(again)
    return redirect(choose_url(request, ids))


def _files(request: HttpRequest) -> "Sequence[UploadedFile[Any]]":
    sample = next((sample for sample in SAMPLES if sample.name == request.POST.get("sample")), None)
    if sample:
        return [SimpleUploadedFile(sample.path.name, sample.path.read_bytes(), "image/jpeg")]
    files = [file for file in request.FILES.getlist("file") if file]
    if not files:
        raise Refused(NO_FILE)
    if len(files) > MOST_AT_ONCE:
        raise Refused(TOO_MANY_FILES(count=MOST_AT_ONCE))
    return files


def _receive_all(request: HttpRequest, files: "Sequence[UploadedFile[Any]]") -> list[dict[str, Any]]:
    """The stored photos; where one is refused, none is kept."""
    owner = identity.owner_made_if_needed(request)
    photos: list[Asset] = []
    with ExitStack() as undo:
        for file in files:
            photo = receive.receive(owner, file, aside(request))
            undo.callback(retention.delete_asset, photo)
            photos.append(photo)
        undo.pop_all()
    return [_told(owner, photo, file) for photo, file in zip(photos, files, strict=True)]


def _told(owner: Owner, photo: Asset, file: "UploadedFile[Any]") -> dict[str, Any]:
    """A stored photo, as scripts see it. `again` is the address of the form that made it, for a result of Latent."""
    picture = PicturePresenter.of(photo)
    return {
        "id": picture.id,
        "name": picture.name,
        "url": picture.stage,
        "width": picture.width,
        "height": picture.height,
        "color": picture.color,
        "note": photo.note,
        "video": picture.is_video,
        "again": _form_that_made(owner, file, photo),
    }


def _form_that_made(owner: Owner, file: "UploadedFile[Any]", photo: Asset) -> str | None:
    try:
        recipe = _recipe_in(file)
        return _again(owner, recipe, photo) if recipe else None
    except Exception:  # the recipe is a stranger's, and the photo is in
        log.exception("A recipe was left out")
        return None


def _recipe_in(file: "UploadedFile[Any]") -> dict[str, Any] | None:
    """The recipe in a result of Latent; to be asked of a file that was received, so that its size is known to do."""
    if isinstance(file, TemporaryUploadedFile):
        return extract(Path(file.temporary_file_path()))
    with tempfile.NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as copy:
        file.seek(0)
        shutil.copyfileobj(file, copy)
        copy.flush()
        return extract(Path(copy.name))


def _again(owner: Owner, recipe: dict[str, Any], dropped: Asset) -> str | None:
    """The form with a recipe's settings, and with the photos it was made of where their owner still has them.

    Of several steps, the page on which they were put together.
    """
    if "steps" in recipe:
        return draft_url(building.begin(owner, [dropped], presets.steps_in(recipe)))
    given, inputs = recipe.get("params"), recipe.get("inputs")
    if not (isinstance(given, dict) and isinstance(inputs, dict)):
        return None
    try:
        operation = registry().get(str(recipe.get("operation")))
        params = operation.parse(given).model_dump(mode="json")
    except OperationError:
        return None
    photos = {slot.name: _still_there(owner, inputs.get(slot.name)) for slot in operation.inputs}
    if not any(photos.values()) and operation.inputs:
        photos = {operation.inputs[0].name: [dropped.id]}
    seed = recipe.get("seed")
    drawn = operation.random and is_seed(seed)
    return form_url(operation.slug, params, photos, seed=seed if drawn else None)


def _still_there(owner: Owner, digests: object) -> list[UUID]:
    """The owner's photos with these SHA-256."""
    given = digests[:MOST_AT_ONCE] if isinstance(digests, list) else []
    wanted = [digest for digest in given if isinstance(digest, str) and DIGEST.fullmatch(digest)]
    found = {photo.sha256: photo.id for photo in visibility.assets_of(owner).filter(sha256__in=wanted)}
    return [found[digest] for digest in wanted if digest in found]
