"""What should happen to the photos that were just uploaded: one step, or several, one after the other."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST

from jobs.access import identity, visibility
from jobs.errors import Refused
from jobs.library.naming import file_name
from jobs.messages import TOO_MANY_PHOTOS
from jobs.models import Asset, Draft, Owner
from jobs.queue import line, presets, submission
from jobs.queue.quote import quote
from jobs.queue.request import Request, Step
from jobs.web.presenters import humanize
from jobs.web.presenters.picture import PicturePresenter
from jobs.web.presenters.presets import PresetPresenter
from jobs.web.presenters.steps import StepPresenter
from jobs.web.views import building, errors
from jobs.web.views.building import Building
from jobs.web.views.lookups import chosen, own_copy, upload_context, uuids
from ml.core.formats import Kind
from ml.core.operation import GROUP_TITLES, Group, Operation, Slot
from ml.registry import registry

SHOWN = 24
"""Photos on the page; of more, the rest is a number."""


@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":  # any number of photos, which an address would not hold
        return redirect(_with_photos(request, _asked(request, request.POST.getlist("photo"))))
    built = building.of_query(request, request.GET)
    photos = _all_visible(request, chosen(request, request.GET))
    if not photos and not (built and built.steps):
        return redirect("home")
    return render(request, "choose.html", _context(request, photos, built))


@require_POST
def drop_step(request: HttpRequest, draft_id: UUID, number: int) -> HttpResponse:
    """Leave a step out that was chosen before."""
    draft = visibility.own_draft(request, draft_id)
    building.drop(draft, number)
    return redirect(draft_url(draft))


@require_POST
def start(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """Start the steps that were chosen, for all photos of the draft."""
    built = building.of_draft(request, visibility.own_draft(request, draft_id))
    owner = identity.owner_made_if_needed(request)
    built.photos = [own_copy(owner, photo) for photo in built.photos]
    try:
        jobs = submission.submit(built.request(owner))
    except Refused as error:
        return errors.refused(request, error)
    return redirect(submitted_url(jobs))


def submitted_url(jobs: Sequence[Any]) -> str:
    """Where a request is seen that was just taken."""
    job = jobs[0]
    return reverse("batch", args=[job.batch_id]) if job.batch_id else reverse("job", args=[job.uuid])


def choose_url(request: HttpRequest, photos: Sequence[UUID]) -> str:
    """One photo is named by the address; several that came in together stand in a row of their own."""
    if len(photos) < 2:
        return f"{reverse('choose')}?{urlencode({'photo': [str(photo) for photo in photos]}, doseq=True)}"
    owner = identity.owner_made_if_needed(request)
    return draft_url(building.begin(owner, _all_visible(request, photos)))


def _with_photos(request: HttpRequest, photos: Sequence[UUID]) -> str:
    """Into the draft that the form names, where somebody has chosen the steps first."""
    built = building.of_query(request, request.POST)
    if built is None:
        return choose_url(request, photos)
    building.take(built.draft, photos)
    return draft_url(built.draft)


def draft_url(draft: Draft) -> str:
    return f"{reverse('choose')}?{urlencode({'draft': str(draft.pk)})}"


def _asked(request: HttpRequest, photos: Sequence[str]) -> list[UUID]:
    """Raises `Refused` for more than the owner may have worked on as one."""
    member = request.user.is_authenticated
    most = settings.LATENT.member_batch_photos if member else settings.LATENT.visitor_batch_photos
    if len(photos) > most:
        raise Refused(TOO_MANY_PHOTOS(count=len(photos), limit=most))
    return [photo.pk for photo in _all_visible(request, uuids(photos))]


def _context(request: HttpRequest, photos: list[Asset], built: Building | None) -> dict[str, Any]:
    steps = built.steps if built else []
    owner = identity.owner_of(request)
    return {
        "photos": [PicturePresenter.of(photo, title=file_name(photo)) for photo in photos[:SHOWN]],
        "count": len(photos),
        "more": max(0, len(photos) - SHOWN),
        "draft": built.draft if built else None,
        "takes_photos": bool(steps and registry().get(steps[0].operation).inputs),
        "steps": [StepPresenter.of(step) for step in steps],
        "groups": _offers(request, photos, built),
        **upload_context(request),
        "presets": [] if steps else _presets(owner, photos),
        **(_cost(owner, built) if built and steps else {}),
    }


def _offers(request: HttpRequest, photos: list[Asset], built: Building | None) -> list[dict[str, Any]]:
    """By group, what can be done to all of the photos, or to what the steps before make of them."""
    gives = built.gives if built else None
    kinds = {gives} if gives else {Kind(photo.kind) for photo in photos}
    found: dict[Group, list[dict[str, Any]]] = {}
    for operation in registry().all():
        slot = next((slot for slot in operation.inputs if all(map(slot.takes, kinds))), None)
        if slot or (not operation.inputs and not gives):
            found.setdefault(operation.group, []).append(
                _offer(request, operation, slot, photos, bool(gives))
            )
    return [
        {"title": GROUP_TITLES[group], "offers": offers, "folded": group is Group.LABORATORY}
        for group, offers in found.items()
    ]


def _offer(
    request: HttpRequest, operation: Operation, slot: Slot | None, photos: list[Asset], later: bool
) -> dict[str, Any]:
    into: dict[str, str] = (
        {} if later or slot in operation.inputs[:1] else {"into": slot.name} if slot else {}
    )
    asked = {name: request.GET.getlist(name) for name in ("photo", "draft")} if slot else {}
    url = f"{reverse('new-job', args=[operation.slug])}?{urlencode({**asked, **into}, doseq=True)}"
    inputs = {slot.name: photos[:1]} if slot and not later else {}
    return {"operation": operation, "url": url, "cost": "" if later else _default_cost(operation, inputs)}


def _presets(owner: Owner | None, photos: list[Asset]) -> list[PresetPresenter]:
    """Those whose first step takes all of the photos."""
    kinds = {Kind(photo.kind) for photo in photos}
    return [
        PresetPresenter(recipe)
        for recipe in presets.all_for(owner)
        if all(registry().get(recipe.steps[0].operation).slot_for(kind) for kind in kinds)
    ]


def _cost(owner: Owner | None, built: Building) -> dict[str, str]:
    """A sentence on what it will take, or on why it cannot be done."""
    try:
        quoted = quote(built.request(owner))
    except Refused as error:
        return {"refusal": str(error)}
    ahead = line.ahead(quoted.queue, owner.fair_share_key if owner else "")
    return {"cost": humanize.cost(quoted.expected_seconds, ahead)}


def _all_visible(request: HttpRequest, ids: Sequence[UUID]) -> list[Asset]:
    photos = visibility.visible_assets(request, ids)
    if len(photos) < len(ids):
        raise Http404
    return photos


def _default_cost(operation: Operation, inputs: dict[str, list[Asset]]) -> str:
    """What it takes with its default settings; empty where these photos alone do not do."""
    try:
        quoted = quote(Request(None, [Step(operation.slug)], [inputs]))
    except Refused:
        return ""
    return humanize.duration(max(1, quoted.expected_seconds))
