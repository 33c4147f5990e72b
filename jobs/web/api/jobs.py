"""The HTTP API, version 1."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja.responses import Status as HttpStatus

from jobs.access import identity, visibility
from jobs.errors import Refused
from jobs.messages import BAD_CURSOR
from jobs.models import Job
from jobs.queue import deletion, lifecycle, submission
from jobs.queue.request import Request, Step
from jobs.queue.state import state_of
from jobs.web.api.app import api, auth, refusals
from jobs.web.api.schemas import IdempotencyKey, JobIn, JobOut, JobPage, Prefer
from jobs.web.api.waiting import wait_for

PAGE = 50


@api.post("/jobs", response={200: JobOut, 202: JobOut} | refusals(409, 429, 503, 507), auth=auth)
def create_job(
    request: HttpRequest,
    body: JobIn,
    response: HttpResponse,
    idempotency_key: IdempotencyKey = None,
    prefer: Prefer = None,
) -> Any:
    """Ask for a job. With an `Idempotency-Key` header the same request makes one job, however often it is sent.

    200 says that it has ended, as it may within the seconds of `Prefer: wait=N`.
    """
    owner = identity.owner_made_if_needed(request)
    inputs = {
        slot: visibility.own_assets(owner, ids if isinstance(ids, list) else [ids])
        for slot, ids in body.inputs.items()
    }
    step = Step(body.operation, body.params, body.seed)
    (job,) = submission.submit(Request(owner, [step], [inputs], idempotency_key=idempotency_key or ""))
    response["Location"] = reverse("api:job", args=[job.uuid])
    if wait_for(request, response, prefer, job.uuid, lambda: _has_ended(job)):
        job = visibility.visible_job(request, job.uuid)
    return HttpStatus(200 if prefer and job.finished else 202, _job(request, job))


@api.get("/jobs", response={200: JobPage} | refusals(), auth=auth)
def jobs(
    request: HttpRequest,
    status: Job.Status | None = None,
    operation: str = "",
    batch: UUID | None = None,
    cursor: str = "",
) -> JobPage:
    """Your jobs, the newest first, a page at a time."""
    found = (
        visibility.jobs_of(identity.owner_of(request)).prefetch_related("inputs", "outputs").order_by("-id")
    )
    if status:
        found = found.filter(status=status)
    if operation:
        found = found.filter(operation=operation)
    if batch:
        found = found.filter(batch=batch)
    if cursor:
        if not cursor.isdecimal() or len(cursor) > 18:
            raise Refused(BAD_CURSOR)
        found = found.filter(id__lt=int(cursor))
    page = list(found[: PAGE + 1])
    return JobPage(
        items=[_job(request, job) for job in page[:PAGE]],
        next_cursor=str(page[PAGE - 1].pk) if len(page) > PAGE else None,
    )


@api.get("/jobs/{job_uuid}", response={200: JobOut} | refusals(404), auth=auth, url_name="job")
def job(request: HttpRequest, job_uuid: UUID, response: HttpResponse, prefer: Prefer = None) -> Any:
    """With `Prefer: wait=N`, as it is when it has ended, or after N seconds."""
    found = visibility.visible_job(request, job_uuid)
    if not found.finished and wait_for(request, response, prefer, job_uuid, lambda: _has_ended(found)):
        found = visibility.visible_job(request, job_uuid)
    return _job(request, found)


@api.delete("/jobs/{job_uuid}", response={204: None} | refusals(404), auth=auth)
def delete_job(request: HttpRequest, job_uuid: UUID) -> Any:
    """Delete a job and its files; one that runs is cancelled first."""
    deletion.delete(visibility.own_job(request, job_uuid))
    return HttpStatus(204, None)


@api.post("/jobs/{job_uuid}/cancel", response={200: JobOut} | refusals(404, 409), auth=auth)
def cancel_job(request: HttpRequest, job_uuid: UUID) -> Any:
    """A queued job is cancelled at once, a running one as soon as it heeds, within seconds."""
    return _changed(request, job_uuid, lifecycle.cancel)


@api.post("/jobs/{job_uuid}/retry", response={200: JobOut} | refusals(404, 409, 429, 503, 507), auth=auth)
def retry_job(request: HttpRequest, job_uuid: UUID) -> Any:
    """Queue a failed job again."""
    return _changed(request, job_uuid, submission.retry)


def _has_ended(job: Job) -> bool:
    return not Job.objects.unfinished().filter(pk=job.pk).exists()


def _job(request: HttpRequest, job: Job) -> JobOut:
    return JobOut.of(request, job, state_of(job))


def _changed(request: HttpRequest, job_uuid: UUID, change: Callable[[Job], None]) -> JobOut:
    job = visibility.own_job(request, job_uuid)
    change(job)
    job.refresh_from_db()
    return _job(request, job)
