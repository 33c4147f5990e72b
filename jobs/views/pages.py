"""From opening the site to starting a job: home, what should happen to a photo, and the form of an operation."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from jobs import access, lifecycle, limits, queues, uploads, words
from jobs.errors import Refused
from jobs.forms import ParamsForm, form_url
from jobs.models import Job, Owner, Photo
from jobs.samples import SAMPLES
from jobs.shown import Shown
from jobs.views import errors
from ml.core.errors import OperationError, UnknownOperation
from ml.core.operation import Kind, Operation, Slot
from ml.core.recipe import extract
from ml.registry import registry
from webapp.config import config

MOST_AT_ONCE = 100
ACCEPTED_TYPES = {
    Kind.IMAGE: "image/*",
    Kind.ANIMATION: "image/gif,image/webp,image/png",
    Kind.VIDEO: "video/mp4,video/webm,video/quicktime",
    Kind.ARCHIVE: ".zip,application/zip",
    Kind.MODEL: ".safetensors",
}


# Home ----------------------------------------------------------------------------------------------------


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    context = {"samples": SAMPLES, "operations": registry().all(), **_upload_context(request)}
    return render(request, "home.html", context)


@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Photos come in; then the question is what should happen to them. For a script, the photo as JSON."""
    wants_json = request.accepts("application/json") and not request.accepts("text/html")
    try:
        received = [_receive(request, file) for file in _files(request)]
    except Refused as error:
        if wants_json:
            headers = {"Retry-After": str(error.retry_after)} if error.retry_after else None
            told = {"code": error.code, "sentence": str(error)}
            return JsonResponse(told, status=error.status, headers=headers)
        return errors.refused(request, error)
    if wants_json:
        return JsonResponse(received[0], status=201)
    again = next((item["again"] for item in received if item["again"]), None)
    if again and len(received) == 1:
        return redirect(again)
    return redirect(_choose_url([item["id"] for item in received]))


@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    photos = [access.visible_photo(request, photo_id) for photo_id in _ids(request.GET.getlist("photo"))]
    if not photos:
        return redirect("home")
    kinds, ids = {Kind(photo.kind) for photo in photos}, [str(photo.id) for photo in photos]
    offered = []
    for operation in registry().all():
        slot = next((slot for slot in operation.inputs if all(map(slot.takes, kinds))), None)
        if slot or not operation.inputs:
            name = "photo" if slot in operation.inputs[:1] else f"slot-{slot.name}" if slot else ""
            query = urlencode({name: ids}, doseq=True) if slot else ""
            url = f"{reverse('new-job', args=[operation.slug])}?{query}"
            cost = _default_cost(operation, {slot.name: photos[:1]} if slot else {})
            offered.append({"operation": operation, "url": url, "cost": cost})
    return render(
        request, "choose.html", {"photos": [Shown.photo(photo) for photo in photos], "offered": offered}
    )


# The form ------------------------------------------------------------------------------------------------


@dataclass
class SlotField:
    """A slot of a form, with the photos that are in it."""

    slot: Slot
    photos: list[Photo]
    error: str = ""

    @property
    def shown(self) -> list[Shown]:
        return [Shown.photo(photo) for photo in self.photos]

    @property
    def accept(self) -> str:
        """For a file input."""
        return ",".join(ACCEPTED_TYPES[kind] for kind in sorted(self.slot.accepts))


@dataclass
class Draft:
    """A job that is being put together. The first slot takes several photos: where it wants one, a job for each."""

    operation: Operation
    slots: list[SlotField]
    form: ParamsForm

    @property
    def main(self) -> SlotField | None:
        """The slot that has the stage; none for an operation that draws its picture out of nothing."""
        return next((field for field in self.slots[:1] if field.slot.required), None)

    @property
    def others(self) -> list[SlotField]:
        return [field for field in self.slots if field is not self.main]

    @property
    def beside(self) -> list[SlotField]:
        return [field for field in self.others if not field.slot.fine_tuning]

    @property
    def folded(self) -> list[SlotField]:
        return [field for field in self.others if field.slot.fine_tuning]

    @property
    def fine_tuned(self) -> bool:
        """Whether something that is folded away is filled, or wrong."""
        return self.form.fine_tuned or any(field.photos or field.error for field in self.folded)

    @property
    def begun(self) -> bool:
        """Whether somebody has done something to it yet."""
        return self.form.is_bound or any(field.photos for field in self.slots)

    def inputs(self) -> list[dict[str, list[Photo]]]:
        """What goes into each of the jobs."""
        others = {field.slot.name: field.photos for field in self.others if field.photos}
        if self.main is None:
            return [others]
        together = (
            [self.main.photos]
            if self.main.slot.many or not self.main.photos
            else [[p] for p in self.main.photos]
        )
        return [{self.main.slot.name: photos} | others if photos else others for photos in together]

    def missing(self) -> SlotField | None:
        return next((field for field in self.slots if len(field.photos) < field.slot.minimum), None)


def new_job(request: HttpRequest, slug: str) -> HttpResponse:
    operation = _operation(slug)
    if request.method == "POST":
        return _start(request, operation)
    return _form_page(request, _draft(request, operation, request.GET))


@require_POST
def cost(request: HttpRequest, slug: str) -> HttpResponse:
    """What the job would take as the form stands: a line for the page."""
    return render(request, "parts/cost.html", _cost(request, _draft(request, _operation(slug), request.POST)))


def _start(request: HttpRequest, operation: Operation) -> HttpResponse:
    draft = _draft(request, operation, request.POST)
    owner = access.owner_made_if_needed(request)
    refused: Refused | None = None
    for field in draft.slots:
        try:
            received = [
                uploads.receive(owner, file) for file in request.FILES.getlist(f"file-{field.slot.name}")
            ]
        except Refused as error:
            field.error, refused = str(error), error
        else:
            field.photos = field.photos + received if field.slot.many else received or field.photos
    if refused is None and (empty := draft.missing()) is not None:
        empty.error = (
            _("Choose a photo first.") if empty.slot.minimum == 1 else _("More photos are needed here.")
        )
        refused = Refused("photo_missing", empty.error)
    if not draft.form.is_valid() or refused:
        return _form_page(request, draft, refused, status=422)
    try:
        jobs = [_submit(owner, draft, inputs) for inputs in draft.inputs()]
    except Refused as error:
        draft.form.add_error(None, str(error))
        return _form_page(request, draft, error)
    return redirect("job", jobs[0].uuid) if len(jobs) == 1 else redirect("gallery")


def _submit(owner: Owner, draft: Draft, inputs: dict[str, list[Photo]]) -> Job:
    own = {slot: [_own(owner, photo) for photo in photos] for slot, photos in inputs.items()}
    params = draft.form.params.model_dump(mode="json")
    return lifecycle.submit(owner, draft.operation.slug, params, own, seed=draft.form.seed)


def _own(owner: Owner, photo: Photo) -> Photo:
    """The photo, or where it is a sample of the site, a copy that belongs to the owner."""
    if photo.owner_id == owner.pk:
        return photo
    with photo.file.open("rb") as file:
        return uploads.receive(owner, UploadedFile(file, photo.name, size=photo.bytes))


def _form_page(
    request: HttpRequest, draft: Draft, refused: Refused | None = None, *, status: int = 200
) -> HttpResponse:
    """The form, which says itself what is wrong with it; the status is the refusal's where there is one."""
    context = {
        "draft": draft,
        "form": draft.form,
        "barred": not access.may_use(request, draft.operation),
        **_upload_context(request),
        **_cost(request, draft),
    }
    response = render(request, "new_job.html", context, status=refused.status if refused else status)
    if refused and refused.retry_after:
        response["Retry-After"] = str(refused.retry_after)
    return response


def _draft(request: HttpRequest, operation: Operation, query: QueryDict) -> Draft:
    """What a query, of an address or a form, asks for; photos that are gone are left out."""
    slots = []
    for index, slot in enumerate(operation.inputs):
        ids = query.getlist(f"slot-{slot.name}") + (query.getlist("photo") if index == 0 else [])
        slots.append(SlotField(slot, _visible(request, ids)))
    if request.method == "POST":
        return Draft(operation, slots, ParamsForm(operation, query))
    return Draft(operation, slots, ParamsForm(operation, initial=_initial(operation, query)))


def _initial(operation: Operation, query: QueryDict) -> dict[str, Any]:
    """Settings from an address: of an earlier job, or of a recipe."""
    names = set(operation.params.model_fields) | {"seed"}
    fields = ParamsForm(operation).fields
    initial: dict[str, Any] = {}
    for name in names & set(fields):
        kind = fields[name].control.kind  # type: ignore[attr-defined]
        if kind == "checks" and name in query:
            initial[name] = query.getlist(name)
        elif kind == "switch" and "again" in query:
            initial[name] = query.get(name) == "True"
        elif name in query:
            initial[name] = ", ".join(query.getlist(name))
    return initial


def _cost(request: HttpRequest, draft: Draft) -> dict[str, Any]:
    """A sentence on what it will take, or on why it cannot be done."""
    told: dict[str, Any] = {"operation": draft.operation, "cost": "", "refusal": ""}
    if not access.may_use(request, draft.operation):
        return told
    form = draft.form if draft.form.is_bound else ParamsForm(draft.operation, _as_sent(draft.form))
    if not form.is_valid() or draft.missing():
        return told
    draft.form.params = form.params
    params = form.params.model_dump(mode="json")
    seconds = 0.0
    try:
        for inputs in draft.inputs():
            operation, parsed, estimate = lifecycle.check(draft.operation.slug, params, inputs)
            method = str(getattr(parsed, "method", ""))
            seconds += queues.expected_seconds(operation.slug, method, estimate.seconds)
    except Refused as error:
        return told | {"refusal": str(error) if draft.begun else ""}
    owner = access.owner_of(request)
    ahead = queues.ahead(queues.queue_of(draft.operation), owner.turn_key if owner else "")
    return told | {"cost": words.cost(seconds, ahead)}


def _as_sent(form: ParamsForm) -> QueryDict:
    """A fresh form as it would be sent if nothing were changed."""
    data = QueryDict(mutable=True)
    for bound in form:
        value = bound.value()
        if isinstance(value, list | tuple):
            data.setlist(bound.html_name, [str(item) for item in value])
        elif value is not None and value is not False:
            data[bound.html_name] = str(value)
    return data


def _upload_context(request: HttpRequest) -> dict[str, Any]:
    return {
        "limits": config(),
        "closed": limits.closed(),
        "stranger": access.owner_of(request) is None,
    }


# Photos --------------------------------------------------------------------------------------------------


def _files(request: HttpRequest) -> "Sequence[UploadedFile[Any]]":
    sample = next((sample for sample in SAMPLES if sample.name == request.POST.get("sample")), None)
    if sample:
        return [SimpleUploadedFile(sample.path.name, sample.path.read_bytes(), "image/jpeg")]
    files = [file for file in request.FILES.getlist("file") if file]
    if not files:
        raise Refused("no_file", _("Choose a photo first."))
    if len(files) > MOST_AT_ONCE:
        raise Refused("too_many_files", _("At most {count} photos fit at once.").format(count=MOST_AT_ONCE))
    return files


def _receive(request: HttpRequest, file: "UploadedFile[Any]") -> dict[str, Any]:
    """A stored photo, as scripts see it. `again` is the address of the form that made it, for a result of Latent."""
    owner = access.owner_made_if_needed(request)
    recipe = _recipe_in(file)
    photo = uploads.receive(owner, file)
    shown = Shown.photo(photo)
    return {
        "id": shown.id,
        "name": shown.name,
        "url": shown.stage,
        "width": shown.width,
        "height": shown.height,
        "color": shown.color,
        "note": photo.note,
        "video": shown.is_video,
        "again": _again(owner, recipe, photo) if recipe else None,
    }


def _recipe_in(file: "UploadedFile[Any]") -> dict[str, Any] | None:
    """The recipe in a result of Latent."""
    with tempfile.NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as copy:
        for chunk in file.chunks():
            copy.write(chunk)
        copy.flush()
        file.seek(0)
        return extract(Path(copy.name))


def _again(owner: Owner, recipe: dict[str, Any], dropped: Photo) -> str | None:
    """The form with a recipe's settings, and with the photos it was made of where their owner still has them."""
    try:
        operation = registry().get(str(recipe.get("operation")))
        params = operation.parse(recipe.get("params") or {}).model_dump(mode="json")
    except (UnknownOperation, OperationError, TypeError):
        return None
    photos: dict[str, list[UUID]] = {}
    for slot, digests in (recipe.get("inputs") or {}).items():
        found = {photo.sha256: photo.id for photo in access.photos_of(owner).filter(sha256__in=digests)}
        photos[slot] = [found[digest] for digest in digests if digest in found]
    if not any(photos.values()) and operation.inputs:
        photos = {operation.inputs[0].name: [dropped.id]}
    seed = recipe.get("seed") if operation.random else None
    return form_url(operation.slug, params, photos, seed)


def _visible(request: HttpRequest, ids: Sequence[str]) -> list[Photo]:
    found = []
    for photo_id in _ids(ids):
        try:
            found.append(access.visible_photo(request, photo_id))
        except Http404:
            continue
    return found


def _ids(texts: Sequence[str]) -> list[UUID]:
    ids = []
    for text in dict.fromkeys(texts[:MOST_AT_ONCE]):
        try:
            ids.append(UUID(text))
        except ValueError:
            continue
    return ids


def _choose_url(ids: Sequence[str]) -> str:
    return f"{reverse('choose')}?{urlencode({'photo': ids}, doseq=True)}"


def _operation(slug: str) -> Operation:
    try:
        return registry().get(slug)
    except UnknownOperation:
        raise Http404 from None


def _default_cost(operation: Operation, inputs: dict[str, list[Photo]]) -> str:
    """What it takes with its default settings; empty where these photos alone do not do."""
    try:
        _declaration, parsed, estimate = lifecycle.check(operation.slug, {}, inputs)
    except Refused:
        return ""
    method = str(getattr(parsed, "method", ""))
    return words.duration(max(1, queues.expected_seconds(operation.slug, method, estimate.seconds)))
