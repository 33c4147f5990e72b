"""Recipes under a name: kept, used, taken away."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jobs.access import identity, visibility
from jobs.errors import Refused
from jobs.messages import BAD_RECIPE
from jobs.queue import presets, submission
from jobs.queue.request import Step, for_photos
from jobs.web.presenters.presets import PresetPresenter, said
from jobs.web.views import building, errors
from jobs.web.views.choose import draft_url, submitted_url
from jobs.web.views.lookups import chosen, own_copy, uuids

LARGEST_RECIPE = 1_000_000
"""Bytes of a file that says one."""


@require_http_methods(["GET", "HEAD", "POST"])
def listed(request: HttpRequest) -> HttpResponse:
    """All that there are; by POST one more, out of what a form names."""
    if request.method == "POST":
        try:
            return _save(request)
        except Refused as error:
            return errors.refused(request, error)
    owner = identity.owner_of(request)
    found = [PresetPresenter(recipe) for recipe in presets.all_for(owner)]
    return render(request, "presets.html", {"presets": found})


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Do what a preset says to the photos that a form names; without photos, ask for some."""
    owner = identity.owner_made_if_needed(request)
    photos = visibility.visible_assets(request, chosen(request, request.POST))
    try:
        recipe = presets.get(identity.owner_of(request), request.POST.get("preset", ""))
        if not photos:
            return redirect(draft_url(building.begin(owner, [], recipe.steps)))
        own = [own_copy(owner, photo) for photo in photos]
        jobs = submission.submit(for_photos(owner, own, recipe.steps, {}))
    except Refused as error:
        return errors.refused(request, error)
    return redirect(submitted_url(jobs))


@require_POST
def delete(request: HttpRequest, preset_id: UUID) -> HttpResponse:
    visibility.own_preset(request, preset_id).delete()
    messages.success(request, _("Deleted."))
    return redirect("presets")


@require_safe
def download(request: HttpRequest, preset_id: str) -> HttpResponse:
    """As a file, by which somebody else can do the same."""
    try:
        recipe = presets.get(identity.owner_of(request), preset_id)
    except Refused:
        raise Http404 from None
    name = said(recipe, recipe.name)
    kept = {"name": name, "steps": presets.as_kept(recipe.steps)}
    response = JsonResponse(kept, json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = content_disposition_header(True, f"{name}.json") or "attachment"
    return response


def _save(request: HttpRequest) -> HttpResponse:
    owner = identity.owner_made_if_needed(request)
    name, steps = _named(request)
    presets.save(owner, request.POST.get("name", "").strip()[:120] or name, steps)
    messages.success(request, _("Saved. You find it where you choose what should happen to a photo."))
    return redirect("presets")


def _named(request: HttpRequest) -> tuple[str, list[Step]]:
    """The steps of a draft, a batch, a job or a file, and a name for them."""
    for draft in uuids(request.POST.getlist("draft")):
        built = building.of_draft(request, visibility.own_draft(request, draft))
        return _("Preset"), _without_seeds(built.steps)
    for batch in uuids(request.POST.getlist("batch")):
        found = visibility.own_batch(request, batch)
        return found.name or _("Preset"), _without_seeds(presets.steps_in({"steps": found.steps}))
    for job_uuid in uuids(request.POST.getlist("job")):
        job = visibility.own_job(request, job_uuid)
        return _("Preset"), [Step(job.operation, job.params)]
    kept = _recipe(request)
    return str(kept.get("name", _("Preset")))[:120], presets.steps_in(kept)


def _without_seeds(steps: Sequence[Step]) -> list[Step]:
    """For other photos, each time drawn anew."""
    return [Step(step.operation, step.params) for step in steps]


def _recipe(request: HttpRequest) -> dict[str, Any]:
    file = request.FILES.get("file")
    if file is None or (file.size or 0) > LARGEST_RECIPE:
        raise Refused(BAD_RECIPE, code="bad_recipe")
    try:
        kept = json.loads(file.read())
    except (ValueError, RecursionError):
        raise Refused(BAD_RECIPE, code="bad_recipe") from None
    if not isinstance(kept, dict):
        raise Refused(BAD_RECIPE, code="bad_recipe")
    return kept
