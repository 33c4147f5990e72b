"""Recipes under a name."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja.responses import Status as HttpStatus

from jobs.access import identity, visibility
from jobs.queue import presets
from jobs.queue.request import Step
from jobs.web.api.app import api, auth, refusals
from jobs.web.api.batch_schemas import PresetChange, PresetIn, PresetOut, StepIn


@api.get("/presets", response={200: list[PresetOut]} | refusals(), auth=auth, url_name="presets")
def list_presets(request: HttpRequest) -> list[PresetOut]:
    """Yours, the site's, and those that come with Latent."""
    return [PresetOut.of(recipe) for recipe in presets.all_for(identity.owner_of(request))]


@api.post("/presets", response={201: PresetOut} | refusals(409), auth=auth)
def create_preset(request: HttpRequest, body: PresetIn, response: HttpResponse) -> Any:
    """Keep steps under a name."""
    owner = identity.owner_made_if_needed(request)
    kept = presets.save(owner, body.name, _steps(body.steps), body.summary)
    response["Location"] = reverse("api:preset", args=[kept.pk])
    return HttpStatus(201, PresetOut.of(presets.get(owner, str(kept.pk))))


@api.get("/presets/{preset_id}", response={200: PresetOut} | refusals(404), auth=auth, url_name="preset")
def preset(request: HttpRequest, preset_id: str) -> Any:
    return PresetOut.of(presets.get(identity.owner_of(request), preset_id))


@api.patch("/presets/{preset_id}", response={200: PresetOut} | refusals(404), auth=auth)
def change_preset(request: HttpRequest, preset_id: UUID, body: PresetChange) -> Any:
    kept = visibility.own_preset(request, preset_id)
    kept.name = body.name if body.name is not None else kept.name
    kept.summary = body.summary if body.summary is not None else kept.summary
    if body.steps is not None:
        kept.steps = presets.as_kept(_steps(body.steps))
    kept.save()
    return PresetOut.of(presets.get(kept.owner, str(kept.pk)))


@api.delete("/presets/{preset_id}", response={204: None} | refusals(404), auth=auth)
def delete_preset(request: HttpRequest, preset_id: UUID) -> Any:
    visibility.own_preset(request, preset_id).delete()
    return HttpStatus(204, None)


def _steps(given: Sequence[StepIn]) -> list[Step]:
    return [Step(step.operation, step.params, step.seed) for step in given]
