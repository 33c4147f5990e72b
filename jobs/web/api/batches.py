"""Several photos, several steps: one request."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja.responses import Status as HttpStatus

from jobs.access import identity, visibility
from jobs.errors import Refused
from jobs.library import export
from jobs.messages import BAD_CURSOR, STEPS_OR_PRESET
from jobs.models import Batch, Owner
from jobs.queue import batches, presets, submission
from jobs.queue.request import Step, for_photos
from jobs.web.api.app import api, auth, refusals
from jobs.web.api.batch_schemas import BatchIn, BatchOut, BatchPage, BatchSummary
from jobs.web.api.schemas import IdempotencyKey, Prefer
from jobs.web.api.waiting import wait_for
from jobs.web.downloads import as_zip

PAGE = 50


@api.post("/batches", response={200: BatchOut, 202: BatchOut} | refusals(404, 409, 429, 503, 507), auth=auth)
def create_batch(
    request: HttpRequest,
    body: BatchIn,
    response: HttpResponse,
    idempotency_key: IdempotencyKey = None,
    prefer: Prefer = None,
) -> Any:
    """Ask for steps, one after the other, for each of the photos: all of it is taken, or nothing.

    `inputs` go into the other slots of the steps, for all photos the same. With an `Idempotency-Key` header the same
    request makes one batch, however often it is sent. With `Prefer: wait=N` the answer comes when all of it has ended, or
    after N seconds.
    """
    owner = identity.owner_made_if_needed(request)
    photos = visibility.own_assets(owner, body.photos)
    shared = {slot: visibility.own_assets(owner, ids) for slot, ids in body.inputs_by_slot().items()}
    asked = for_photos(
        owner, photos, _steps(owner, body), shared, name=body.name, idempotency_key=idempotency_key or ""
    )
    batch = submission.submit(asked)[0].batch
    assert batch
    response["Location"] = reverse("api:batch", args=[batch.pk])
    wait_for(request, response, prefer, batch.pk, lambda: _has_ended(batch))
    batch.refresh_from_db()
    return HttpStatus(200 if prefer and batch.ended_at else 202, BatchOut.of(request, batch))


@api.get("/batches", response={200: BatchPage} | refusals(), auth=auth, url_name="batches")
def list_batches(request: HttpRequest, cursor: UUID | None = None) -> BatchPage:
    """Yours, the newest first, a page at a time."""
    owner = identity.owner_of(request)
    found = (
        Batch.objects.filter(owner=owner).order_by("-created_at", "-pk") if owner else Batch.objects.none()
    )
    if cursor:
        last = found.filter(pk=cursor).first()
        if last is None:
            raise Refused(BAD_CURSOR)
        found = found.filter(created_at__lte=last.created_at).exclude(
            created_at=last.created_at, pk__gte=cursor
        )
    page = list(found[: PAGE + 1])
    return BatchPage(
        items=[BatchSummary.of(request, batch) for batch in page[:PAGE]],
        next_cursor=str(page[PAGE - 1].pk) if len(page) > PAGE else None,
    )


@api.get("/batches/{batch_id}", response={200: BatchOut} | refusals(404), auth=auth, url_name="batch")
def batch(request: HttpRequest, batch_id: UUID, response: HttpResponse, prefer: Prefer = None) -> Any:
    """With `Prefer: wait=N`, as it is when all of it has ended, or after N seconds."""
    found = visibility.own_batch(request, batch_id)
    if found.ended_at is None:
        wait_for(request, response, prefer, batch_id, lambda: _has_ended(found))
        found.refresh_from_db()
    return BatchOut.of(request, found)


@api.delete("/batches/{batch_id}", response={204: None} | refusals(404), auth=auth)
def delete_batch(request: HttpRequest, batch_id: UUID) -> Any:
    """Delete all its jobs and what they made, save favourites and what is needed elsewhere."""
    batches.delete(visibility.own_batch(request, batch_id))
    return HttpStatus(204, None)


@api.post("/batches/{batch_id}/cancel", response={200: BatchOut} | refusals(404, 409), auth=auth)
def cancel_batch(request: HttpRequest, batch_id: UUID) -> Any:
    """What waits is cancelled at once, what runs as soon as it heeds."""
    return _changed(request, batch_id, batches.cancel)


@api.post(
    "/batches/{batch_id}/retry", response={200: BatchOut} | refusals(404, 409, 429, 503, 507), auth=auth
)
def retry_batch(request: HttpRequest, batch_id: UUID) -> Any:
    """Queue again what has failed, and what waited for it."""
    return _changed(request, batch_id, batches.retry)


@api.get(
    "/batches/{batch_id}/zip", response={200: None} | refusals(404, 409), auth=auth, url_name="batch-zip"
)
def zip_batch(request: HttpRequest, batch_id: UUID) -> Any:
    """The results there are, each named after its photo."""
    found = visibility.own_batch(request, batch_id)
    return as_zip(export.files_of(export.results_of(found), identity.owner_of(request)), str(found))


def _steps(owner: Owner, body: BatchIn) -> list[Step]:
    if bool(body.steps) == bool(body.preset):
        raise Refused(STEPS_OR_PRESET)
    if body.preset:
        return list(presets.get(owner, body.preset).steps)
    return [Step(step.operation, step.params, step.seed) for step in body.steps]


def _has_ended(found: Batch) -> bool:
    return not found.jobs.unfinished().exists()


def _changed(request: HttpRequest, batch_id: UUID, change: Callable[[Batch], None]) -> BatchOut:
    found = visibility.own_batch(request, batch_id)
    change(found)
    found.refresh_from_db()
    return BatchOut.of(request, found)
