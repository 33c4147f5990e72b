"""From opening the site to starting a job: home, what should happen to a photo, and the form of an operation."""

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from jobs import messages
from jobs.access import identity, visibility
from jobs.errors import Refused
from jobs.intake import receive
from jobs.messages import FIRST_FRAME_ALONE, PHOTO_MISSING, PHOTOS_MISSING
from jobs.models import Owner
from jobs.queue import line, submission
from jobs.queue.quote import quote
from jobs.web.draft import Draft, SlotField
from jobs.web.forms import ParamsForm
from jobs.web.presenters import humanize
from jobs.web.presenters.picture import PicturePresenter
from jobs.web.presenters.steps import StepPresenter
from jobs.web.views import building
from jobs.web.views.choose import SHOWN, draft_url, submitted_url
from jobs.web.views.lookups import chosen, inputs_of, operation_or_404, own_copy, upload_context, uuids
from ml.core.operation import Operation


def new_job(request: HttpRequest, slug: str) -> HttpResponse:
    operation = operation_or_404(slug)
    if request.method == "POST":
        return _start(request, operation)
    return _form_page(request, _draft(request, operation, request.GET))


@require_POST
def cost(request: HttpRequest, slug: str) -> HttpResponse:
    """What the job would take as the form stands: a line for the page."""
    return render(
        request, "parts/cost.html", _cost(request, _draft(request, operation_or_404(slug), request.POST))
    )


def _start(request: HttpRequest, operation: Operation) -> HttpResponse:
    draft = _draft(request, operation, request.POST)
    owner = identity.owner_made_if_needed(request)
    refused: Refused | None = None
    for field in draft.slots:
        try:
            received = [
                receive.receive(owner, file) for file in request.FILES.getlist(f"file-{field.slot.name}")
            ]
        except Refused as error:
            field.error, refused = str(error), error
        else:
            field.photos = field.photos + received if field.slot.many else received or field.photos
    if refused is None and (empty := draft.missing()) is not None:
        message = PHOTO_MISSING if empty.slot.minimum == 1 else PHOTOS_MISSING
        refused = Refused(message, code="photo_missing")
        empty.error = str(refused)
    if not draft.form.is_valid() or refused:
        return _form_page(request, draft, refused, status=422)
    _make_own(owner, draft)
    try:
        if draft.built or "then" in request.POST:
            return _go_on(owner, draft)
        jobs = submission.submit(draft.request(owner))
    except Refused as error:
        draft.form.add_error(None, str(error))
        return _form_page(request, draft, error)
    return redirect(submitted_url(jobs))


def _make_own(owner: Owner, draft: Draft) -> None:
    for field in draft.slots:
        field.photos = [own_copy(owner, photo) for photo in field.photos]


def _go_on(owner: Owner, draft: Draft) -> HttpResponse:
    """Keep the step, and ask what should happen then; raises `Refused` for what could not be done."""
    quote(draft.request(owner))
    if draft.built:
        building.add(draft.built.draft, draft.step())
        return redirect(draft_url(draft.built.draft))
    photos = draft.main.photos if draft.main else []
    return redirect(draft_url(building.begin(owner, photos, [draft.step()])))


def _form_page(
    request: HttpRequest, draft: Draft, refused: Refused | None = None, *, status: int = 200
) -> HttpResponse:
    """The form, which says itself what is wrong with it; the status is the refusal's where there is one."""
    context = {
        "draft": draft,
        "form": draft.form,
        "steps": [StepPresenter.of(step) for step in draft.built.steps] if draft.built else [],
        "pictures": [PicturePresenter.of(photo) for photo in draft.built.photos[:SHOWN]]
        if draft.built
        else [],
        "barred": not identity.may_use(request, draft.operation),
        **upload_context(request),
        **_cost(request, draft),
    }
    response = render(request, "new_job.html", context, status=refused.status if refused else status)
    if refused and refused.retry_after:
        response["Retry-After"] = str(refused.retry_after)
    return response


def _draft(request: HttpRequest, operation: Operation, query: QueryDict) -> Draft:
    """What a query, of an address or a form, asks for; photos that are gone are left out."""
    built = building.of_query(request, query)
    if built is None or not built.steps:
        slots, built = _slots(request, operation, query), None
    else:
        fed = operation.slot_for(built.gives) if built.gives else None
        slots = [field for field in _slots(request, operation, query, into="") if field.slot != fed]
    if request.method == "POST":
        return Draft(operation, slots, ParamsForm(operation, query), built)
    return Draft(operation, slots, ParamsForm(operation, initial=_initial(operation, query)), built)


def _slots(
    request: HttpRequest, operation: Operation, query: QueryDict, into: str | None = None
) -> list[SlotField]:
    """What is in each slot; the photos that an address is about go `into` one, which it names or is the first."""
    first = next(iter(operation.inputs), None)
    into = query.get("into", first.name if first else "") if into is None else into
    earlier = inputs_of(request, query)
    slots = []
    for slot in operation.inputs:
        ids = (
            uuids(query.getlist(f"slot-{slot.name}"))
            + earlier.get(slot.name, [])
            + (chosen(request, query) if slot.name == into else [])
        )
        slots.append(SlotField(slot, visibility.visible_assets(request, list(dict.fromkeys(ids)))))
    return slots


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
    if not identity.may_use(request, draft.operation):
        return told
    form = draft.form if draft.form.is_bound else ParamsForm(draft.operation, _as_sent(draft.form))
    if not form.is_valid() or draft.missing():
        return told
    draft.form.params = form.params
    owner = identity.owner_of(request)
    try:
        quoted = quote(draft.request(owner))
    except Refused as error:
        return told | {"refusal": str(error) if draft.begun else ""}
    ahead = line.ahead(quoted.queue, owner.fair_share_key if owner else "")
    takes = humanize.cost(quoted.expected_seconds, ahead)
    if any(job.first_frame_alone for job in quoted.jobs):
        takes = f"{takes} {messages.told(FIRST_FRAME_ALONE)}"
    return told | {"cost": takes}


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
