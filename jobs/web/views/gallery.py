"""The history of an owner's jobs, as a wall of pictures: a tab of the library."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from jobs.access import identity, visibility
from jobs.models import Asset, Job, JobInput, Owner
from jobs.queue import deletion, live
from jobs.queue.state import State, kept_until, state_of
from jobs.web.presenters import humanize
from jobs.web.presenters.picture import PicturePresenter
from jobs.web.views.job import unchanged
from jobs.web.views.lookups import back
from ml.core.text import capped
from ml.registry import registry

PAGE = 48
FEW = 1000
SHOWN_SAMPLES = 12
STATUSES = (
    ("", gettext_lazy("All")),
    (Job.Status.QUEUED, gettext_lazy("Waiting")),
    (Job.Status.RUNNING, gettext_lazy("Running")),
    (Job.Status.SUCCEEDED, gettext_lazy("Done")),
    (Job.Status.FAILED, gettext_lazy("Failed")),
    (Job.Status.CANCELLED, gettext_lazy("Cancelled")),
)


@dataclass(frozen=True)
class Tile:
    """A job on the wall."""

    job: Job
    state: State
    version: str = ""
    """What its poll starts from; a whole wall is not in step with the live channel, and each tile asks once more."""

    @property
    def picture(self) -> PicturePresenter | None:
        """Its result, or until there is one its photo."""
        for output in self.job.outputs.all():
            if output.is_picture and output.trashed_at is None:
                return PicturePresenter.of(output, alt="")
        for item in self.job.inputs.all():
            if item.asset:
                return PicturePresenter.of(item.asset, alt="")
        return None

    @property
    def title(self) -> str:
        return _(self.job.declaration.title) if self.job.declaration else self.job.operation

    @property
    def name(self) -> str:
        """What its owner called the first photo."""
        return next((item.asset.name for item in self.job.inputs.all() if item.asset), "")

    @property
    def status_line(self) -> str:
        return humanize.status_line(self.job, self.state)

    @property
    def kept_until(self) -> datetime | None:
        return kept_until(self.job)


@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    owner = identity.owner_of(request)
    status = request.GET.get("status", "")
    status = status if status in Job.Status.values else ""
    operation, search = request.GET.get("operation", "")[:64], request.GET.get("q", "").strip()[:120]
    found = _filtered(owner, status, operation, search) if owner else Job.objects.none()
    page, newer, older = _page(found, request.GET)
    kept = {
        name: value for name, value in (("status", status), ("operation", operation), ("q", search)) if value
    }
    context = {
        "tiles": _tiles(page),
        "samples": []
        if page or kept
        else _tiles(_with_pictures(Job.objects.filter(sample=True).order_by("-id"))[:SHOWN_SAMPLES]),
        "statuses": [(value, label, _address(kept, status=value)) for value, label in STATUSES],
        "operations": registry().all(),
        "status": status,
        "operation": operation,
        "search": search,
        "filtered": bool(kept),
        "newer": _address(kept, after=newer) if newer else "",
        "older": _address(kept, before=older) if older else "",
        "here": request.get_full_path(),
    }
    return render(request, "gallery.html", context)


@require_safe
def moved(request: HttpRequest) -> HttpResponse:
    """Where all jobs were once: to the photos or, where certain jobs were asked for, to these."""
    asked = request.META["QUERY_STRING"]
    return redirect(f"{reverse('gallery')}?{asked}" if asked else "library")


@require_safe
def tile(request: HttpRequest, job_uuid: UUID) -> HttpResponse:
    """A job on the wall as it stands now; 204 where the page has it already."""
    version = live.version(job_uuid)  # before the row, so that what changes in between is shown once more
    if unchanged(request, version):
        return HttpResponse(status=204)
    job = visibility.visible_job(request, job_uuid)
    found = Tile(job, _state(job), version)
    return render(request, "parts/tile.html", {"tile": found, "selectable": job.owner_id is not None})


@require_POST
def delete(request: HttpRequest) -> HttpResponse:
    """Delete the jobs that were ticked."""
    owner = identity.owner_of(request)
    chosen = [text for text in request.POST.getlist("job")[: 10 * PAGE] if _is_uuid(text)]
    jobs = list(visibility.jobs_of(owner).filter(uuid__in=chosen)) if owner else []
    for job in jobs:
        deletion.delete(job)
    if jobs:
        said = ngettext("{count} job deleted.", "{count} jobs deleted.", len(jobs)).format(count=len(jobs))
        messages.success(request, said)
    else:
        messages.error(request, _("Tick what you want to delete first."))
    return back(request, "gallery")


def _filtered(owner: Owner, status: str, operation: str, search: str) -> QuerySet[Job]:
    jobs = visibility.jobs_of(owner)
    if status:
        jobs = jobs.filter(status=status)
    if operation:
        jobs = jobs.filter(operation=operation)
    return _named(jobs, owner, search) if search else jobs


def _named(jobs: QuerySet[Job], owner: Owner, search: str) -> QuerySet[Job]:
    """Jobs with a photo of such a name: from the photos where those are few, else job by job until a page is full."""
    photos = visibility.assets_of(owner).filter(name__icontains=search)
    few = list(photos.values_list("pk", flat=True)[: FEW + 1])
    if len(few) <= FEW:
        return jobs.filter(pk__in=JobInput.objects.filter(asset__in=few).values("job"))
    return jobs.filter(Exists(JobInput.objects.filter(job=OuterRef("pk"), asset__name__icontains=search)))


def _page(found: QuerySet[Job], query: Any) -> tuple[list[Job], int | None, int | None]:
    """A page of jobs, the newest first, with the ids after which newer and before which older ones follow."""
    before, after = _number(query.get("before")), _number(query.get("after"))
    if after:
        jobs = list(_with_pictures(found.filter(pk__gt=after).order_by("id"))[: PAGE + 1])
        more_newer, jobs = len(jobs) > PAGE, jobs[:PAGE][::-1]
        return jobs, jobs[0].pk if jobs and more_newer else None, jobs[-1].pk if jobs else None
    if before:
        found = found.filter(pk__lt=before)
    jobs = list(_with_pictures(found.order_by("-id"))[: PAGE + 1])
    more_older, jobs = len(jobs) > PAGE, jobs[:PAGE]
    return jobs, jobs[0].pk if jobs and before else None, jobs[-1].pk if more_older else None


def _with_pictures(jobs: QuerySet[Job]) -> QuerySet[Job]:
    return jobs.prefetch_related(
        Prefetch("outputs", Asset.objects.order_by("position")),
        Prefetch("inputs", JobInput.objects.select_related("asset")),
    )


def _tiles(jobs: Iterable[Job]) -> list[Tile]:
    return [Tile(job, _state(job)) for job in jobs]


def _state(job: Job) -> State:
    # A place in line costs queries, and a wall may show many that wait.
    return state_of(job) if job.status == Job.Status.RUNNING else State()


def _address(kept: dict[str, str], **changes: Any) -> str:
    query = {name: value for name, value in (kept | changes).items() if value}
    return f"{reverse('gallery')}?{urlencode(query)}" if query else reverse("gallery")


def _number(text: str | None) -> int | None:
    return capped(text or "")


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
