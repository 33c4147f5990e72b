"""The page of a batch, and what its owner can do with all of it."""

import hashlib
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, OuterRef, Prefetch, Q, QuerySet, Subquery, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from jobs.access import identity, visibility
from jobs.errors import Refused
from jobs.library import export
from jobs.models import UNFINISHED, Asset, Batch, Draft, JobInput
from jobs.queue import batches
from jobs.web.downloads import as_zip
from jobs.web.presenters.batch import BatchPresenter, BatchTile
from jobs.web.views.choose import draft_url
from ml.core.formats import Kind

PAGE = 60
POLL_MILLISECONDS = 1500


@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """An owner's batches, the newest first."""
    owner = identity.owner_of(request)
    found = Batch.objects.filter(owner=owner) if owner else Batch.objects.none()
    page = Paginator(_counted(found.order_by("-created_at", "-pk")), PAGE).get_page(request.GET.get("page"))
    covers = Asset.objects.in_bulk([each.cover for each in page if each.cover])  # type: ignore[attr-defined]
    tiles = [BatchTile(each, covers.get(each.cover)) for each in page]  # type: ignore[attr-defined]
    return render(request, "batches.html", {"tiles": tiles, "page": page})


@require_safe
def batch(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    presenter = _presented(visibility.own_batch(request, batch_id))
    return render(request, "batch.html", _context(request, presenter))


@require_safe
def status(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """What changes of the page; 204 where it has it already."""
    presenter = _presented(visibility.own_batch(request, batch_id))
    if request.GET.get("v") == _version(presenter):
        return HttpResponse(status=204)
    response = render(request, "parts/batch_live.html", _context(request, presenter))
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
def cancel(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    return _changed(request, batch_id, batches.cancel)


@require_POST
def retry(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    return _changed(request, batch_id, batches.retry)


@require_POST
def delete(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    batches.delete(visibility.own_batch(request, batch_id))
    messages.success(request, _("Deleted."))
    return redirect("library")


@require_safe
def download(request: HttpRequest, batch_id: UUID) -> HttpResponseBase:
    """The results there are, each named after its photo."""
    found = visibility.own_batch(request, batch_id)
    return as_zip(export.files_of(export.results_of(found), identity.owner_of(request)), str(found))


@require_POST
def again(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """The same steps: for the same photos, to be changed, or for others."""
    found = visibility.own_batch(request, batch_id)
    photos = found.photos if request.POST.get("photos") == "same" else []
    draft = Draft.objects.create(owner=found.owner, photos=photos, steps=found.steps)
    return redirect(draft_url(draft))


def _counted(found: QuerySet[Batch]) -> QuerySet[Batch]:
    """Each with how many photos it is for, and how many of its jobs go on, and with a picture that it made."""
    made = Asset.objects.at_hand().filter(made_by__batch=OuterRef("pk"), kind=Kind.IMAGE)
    return found.annotate(
        photo_count=Count("jobs__item", distinct=True),
        jobs_left=Count("jobs", filter=Q(jobs__status__in=UNFINISHED)),
        cover=Subquery(made.order_by("-created_at").values("pk")[:1]),
    )


def _changed(request: HttpRequest, batch_id: UUID, change: Callable[[Batch], None]) -> HttpResponse:
    """That it had ended meanwhile, the page then shows."""
    try:
        change(visibility.own_batch(request, batch_id))
    except Refused as error:
        if error.status != 409:
            messages.error(request, str(error))
    return redirect("batch", batch_id)


def _presented(found: Batch) -> BatchPresenter:
    """With what a page needs of each job, since there may be many, and it asks again and again."""
    jobs = list(found.jobs.defer("params", "recipe", "metrics", "labels", "series").order_by("pk"))
    return BatchPresenter(found, jobs, batches.state_of_jobs(jobs))


def _context(request: HttpRequest, presenter: BatchPresenter) -> dict[str, Any]:
    page = Paginator(presenter.items, PAGE).get_page(request.GET.get("page"))
    prefetch_related_objects(
        [job for item in page for job in item.jobs],
        Prefetch("outputs", Asset.objects.select_related("original", "made_by").order_by("position")),
        Prefetch("inputs", JobInput.objects.select_related("asset__original", "asset__made_by")),
    )
    return {
        "batch": presenter.batch,
        "presenter": presenter,
        "page": page,
        "version": _version(presenter),
        "poll": POLL_MILLISECONDS if presenter.going_on else 0,
    }


def _version(presenter: BatchPresenter) -> str:
    """What changes whenever the page would."""
    said = [f"{presenter.state.fraction:.2f}", presenter.status_line]
    said += [f"{job.pk}{job.status}{job.attempt}" for job in presenter.jobs]
    return hashlib.sha256(" ".join(said).encode()).hexdigest()[:16]
