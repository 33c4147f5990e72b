"""The page of a job, from its place in line to its result, and what its owner can do with it."""

import time
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from jobs.access import identity, visibility
from jobs.errors import Refused
from jobs.messages import LOG_IN_TO_KEEP, NO_PICTURE
from jobs.models import Job
from jobs.queue import deletion, lifecycle, live, submission
from jobs.queue.state import state_of
from jobs.web.forms import form_url
from jobs.web.presenters.job import JobPresenter
from jobs.web.presenters.links import Sharing
from jobs.web.views import errors
from ml.core.text import capped

PLACE_SECONDS = 2
"""How late a page that waits may hear of another place in line: with many waiting, all ask after every change."""


@require_safe
def job(request: HttpRequest, job_uuid: UUID) -> HttpResponse:
    version = live.version(job_uuid)
    job = visibility.visible_job(request, job_uuid)
    return render(request, "job.html", _context(request, job, version))


@require_safe
def status(request: HttpRequest, job_uuid: UUID) -> HttpResponse:
    """The part of the page that changes; 204 where the page has it already, asking nothing but the live channel."""
    version = live.version(job_uuid)
    if unchanged(request, version):
        return HttpResponse(status=204)
    job = visibility.watched_job(request, job_uuid)
    if job.finished:
        response = render(request, "job_status.html", _context(request, job, version))
        # More than the lines that are polled has changed.
        response["HX-Retarget"] = "#status"
        response["HX-Reswap"] = "outerHTML"
    else:
        response = render(request, "parts/job_live.html", _live(request, job, version))
    response["Cache-Control"] = "private, no-store"
    return response


def unchanged(request: HttpRequest, version: str) -> bool:
    """Whether a page has what there is to see, or waits and was told of its place a moment ago.

    Nobody can guess a version, so that this gives nothing away.
    """
    known, _at, told = request.GET.get("v", "").partition("@")
    if known == version:
        return bool(known)
    if not live.only_the_queue_moved(known, version):
        return False
    at = capped(told)
    return at is not None and 0 <= time.time() - at < PLACE_SECONDS


def _live(request: HttpRequest, job: Job, version: str) -> dict[str, Any]:
    """What the polled lines need: little, since they are asked for again and again.

    The version was read before the row, so that what changed in between is shown once more rather than never.
    """
    state = state_of(job)
    return {
        "presenter": JobPresenter(job, state),
        "job": job,
        "state": state,
        "version": f"{version}@{int(time.time())}" if version else "",
        "watch_key": visibility.watch_key(request, job.uuid),
    }


def _context(request: HttpRequest, job: Job, version: str) -> dict[str, Any]:
    owner = identity.owner_of(request)
    mine = job.owner_id is not None and (identity.is_admin(request) or (owner and job.owner_id == owner.pk))
    return {
        **_live(request, job, version),
        "mine": mine,
        "sharing": Sharing(job, request.GET.get("link", "")),
        "member": request.user.is_authenticated,
        "limits": settings.LATENT,
    }


@require_POST
def cancel(request: HttpRequest, job_uuid: UUID) -> HttpResponse:
    return _changed(request, job_uuid, lifecycle.cancel)


@require_POST
def retry(request: HttpRequest, job_uuid: UUID) -> HttpResponse:
    return _changed(request, job_uuid, submission.retry)


def _changed(request: HttpRequest, job_uuid: UUID, change: Any) -> HttpResponse:
    """Change a job and show how it stands; that it had ended meanwhile, the page then shows."""
    try:
        change(visibility.own_job(request, job_uuid))
    except Refused as error:
        if error.status != 409 or error.code == "photo_gone":
            messages.error(request, str(error))
    return redirect("job", job_uuid)


@require_POST
def delete(request: HttpRequest, job_uuid: UUID) -> HttpResponse:
    deletion.delete(visibility.own_job(request, job_uuid))
    messages.success(request, _("Deleted."))
    return redirect("library")


@require_POST
def keep(request: HttpRequest, job_uuid: UUID) -> HttpResponse:
    """A member's job is kept for good, or no longer."""
    if not request.user.is_authenticated:
        return errors.refused(request, Refused(LOG_IN_TO_KEEP, code="members_only", status=403))
    Job.objects.filter(pk=visibility.own_job(request, job_uuid).pk).update(
        kept=request.POST.get("kept") == "yes"
    )
    return redirect("job", job_uuid)


@require_POST
def use(request: HttpRequest, job_uuid: UUID) -> HttpResponse:
    """An output goes on: into what may follow the operation, where it says so, or into any other one."""
    job = visibility.visible_job(request, job_uuid)
    following = {each.output: each for each in (job.declaration.then if job.declaration else ())}
    usable = [each for each in job.outputs.at_hand() if each.is_picture or each.output in following]
    output = next((each for each in usable if str(each.id) == request.POST.get("output")), None)
    if output is None and not usable:
        return errors.refused(request, Refused(NO_PICTURE, status=409))
    output = output or usable[0]
    if then := following.get(output.output):
        return redirect(form_url(then.operation, then.params, {then.slot: [output.id]}))
    return redirect(f"{reverse('choose')}?photo={output.id}")
