"""The history of jobs, the page of one, and what an admin may do to them."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from jobs.admin import presenters
from jobs.admin.base import Deletion, RecordAdmin, uuids_that_begin
from jobs.admin.filters import DaysFilter, MethodFilter, OperationFilter, WorkerFilter
from jobs.errors import Refused
from jobs.models import Asset, Job, JobInput, Owner
from jobs.queue import deletion, lifecycle
from jobs.queue.state import kept_until, state_of
from ml.core.formats import Kind
from ml.core.text import capped

MOST_OWNERS = 100
WIDE = ("params", "recipe", "metrics", "labels", "series", "error", "error_text")


@admin.register(Job)
class JobAdmin(Deletion, RecordAdmin):
    """Reads rows and asks `jobs.queue` for every change."""

    ordering = ("-id",)
    list_display = (
        "picture", "title", "state", "owner_name", "arrived", "waited", "ran", "attempts", "worker_name",
        "failure",
    )  # fmt: skip
    list_display_links = ("picture", "title")
    list_select_related = ("owner__user",)
    list_filter = (
        ("status", ChoicesDropdownFilter),
        OperationFilter,
        MethodFilter,
        ("owner", AutocompleteSelectFilter),
        ("created_at", DaysFilter),
        WorkerFilter,
    )
    search_fields = ("uuid", "owner__user__username", "error_code")
    search_help_text = gettext_lazy("Job, owner or error code")
    actions = ("cancel_jobs", "requeue_jobs")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        pictures = Asset.objects.filter(position=0, kind=Kind.IMAGE)
        inputs = JobInput.objects.filter(position=0).select_related("asset")
        jobs: QuerySet[Job] = super().get_queryset(request)
        return jobs.defer(*WIDE).prefetch_related(
            Prefetch("outputs", pictures, to_attr="pictures"),
            Prefetch("inputs", inputs, to_attr="first_inputs"),
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Job], search_term: str
    ) -> tuple[QuerySet[Job], bool]:
        """By the start of a job's public name or of its owner's, or by an error code: each has an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        named = Owner.objects.filter(user__username__istartswith=term).values_list("pk", flat=True)
        found = Q(status=Job.Status.FAILED, error_code__iexact=term)
        if owners := list(named[:MOST_OWNERS]):
            found |= Q(owner__in=owners)
        if uuids := uuids_that_begin(term):
            found |= Q(uuid__range=uuids)
        return queryset.filter(found), False

    # The list

    @admin.display(description=gettext_lazy("picture"))
    def picture(self, job: Any) -> str | None:
        if job.pictures:
            return presenters.asset_thumbnail(job.pictures[0])
        return presenters.asset_thumbnail(job.first_inputs[0].asset) if job.first_inputs else None

    @admin.display(description=gettext_lazy("job"))
    def title(self, job: Job) -> SafeString:
        details = " · ".join(filter(None, (job.method, str(job.uuid)[:8])))
        return format_html(
            '<span class="latent-job"><b>{}</b><small>{}</small></span>',
            presenters.operation_title(job),
            details,
        )

    @admin.display(description=gettext_lazy("status"))
    def state(self, job: Job) -> str:
        return presenters.status(job)

    @admin.display(description=gettext_lazy("owner"))
    def owner_name(self, job: Job) -> str:
        return presenters.owner_name(job)

    @admin.display(description=gettext_lazy("arrived"))
    def arrived(self, job: Job) -> str:
        return presenters.moment(job.created_at)

    @admin.display(description=gettext_lazy("waited"))
    def waited(self, job: Job) -> str:
        return presenters.duration(presenters.waited(job))

    @admin.display(description=gettext_lazy("ran"))
    def ran(self, job: Job) -> str | None:
        seconds = presenters.ran(job)
        return None if seconds is None else presenters.duration(seconds)

    @admin.display(description=gettext_lazy("attempt"))
    def attempts(self, job: Job) -> str | None:
        return _attempts(job) if job.attempt else None

    @admin.display(description=gettext_lazy("worker"))
    def worker_name(self, job: Job) -> str | None:
        return job.worker or None

    @admin.display(description=gettext_lazy("error"))
    def failure(self, job: Job) -> str | None:
        return job.error_code or None

    # What may be done

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Only what can work: failed jobs are queued again, in their list; what has ended is not cancelled."""
        actions: dict[str, Any] = super().get_actions(request)
        status = request.GET.get("status__exact", "")
        if status != Job.Status.FAILED:
            actions.pop("requeue_jobs", None)
        if status and status not in (Job.Status.QUEUED, Job.Status.RUNNING):
            actions.pop("cancel_jobs", None)
        return actions

    @admin.action(description=gettext_lazy("Cancel"))
    def cancel_jobs(self, request: HttpRequest, jobs: Iterable[Job]) -> None:
        self._change_each(request, jobs, lifecycle.cancel, _cancelled)

    @admin.action(description=gettext_lazy("Requeue"))
    def requeue_jobs(self, request: HttpRequest, jobs: Iterable[Job]) -> None:
        self._change_each(request, jobs, lifecycle.requeue, _requeued)

    def _change_each(
        self,
        request: HttpRequest,
        jobs: Iterable[Job],
        change: Callable[[Job], None],
        sentence: Callable[[int], str],
    ) -> None:
        """Change the jobs in the order of arrival; say what was done and, for each, what could not be."""
        changed, refused = [], []
        for job in sorted(jobs, key=lambda job: job.pk):
            try:
                change(job)
            except Refused as error:
                refused.append((str(job), str(error)))
            else:
                changed.append(job)
                self.log_change(request, job, sentence(1))
        if changed:
            self.message_user(request, sentence(len(changed)), messages.SUCCESS)
        if refused:
            lines = format_html_join("", "<li><b>{}</b>: {}</li>", refused)
            self.message_user(request, format_html("<ul>{}</ul>", lines), messages.WARNING)

    def remove(self, obj: Job) -> None:
        deletion.delete(obj)

    def goes_along(self, obj: Job) -> dict[str, int]:
        return {_("outputs"): obj.outputs.count(), _("share links"): obj.shares.count()}

    # The page of one job

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        job = _found(object_id)
        if request.method == "POST":
            actions = {"cancel": self.cancel_jobs, "requeue": self.requeue_jobs}
            if action := actions.get(request.POST.get("action", "")):
                action(request, [job])
            return HttpResponseRedirect(request.path)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": job,
            "title": presenters.operation_title(job),
            "subtitle": str(job.uuid)[:8],
            **_page(job),
        }
        return TemplateResponse(request, "admin/jobs/job/change_form.html", context)


# The pieces ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Moment:
    """A line of the timeline: what happened, or what an admin did."""

    at: datetime
    status: str
    name: str
    detail: str


def _cancelled(count: int) -> str:
    return ngettext("One job was told to stop.", "{count} jobs were told to stop.", count).format(count=count)


def _requeued(count: int) -> str:
    return ngettext("One job waits again.", "{count} jobs wait again.", count).format(count=count)


def _found(object_id: str) -> Job:
    jobs = Job.objects.select_related("owner__user", "fair_share").prefetch_related(
        "inputs__asset", "outputs", "events", "shares"
    )
    number = capped(object_id)
    job = None if number is None else jobs.filter(pk=number).first()
    if job is None:
        raise Http404
    return job


def _page(job: Job) -> dict[str, Any]:
    state = state_of(job)
    outputs = list(job.outputs.all())
    inputs = list(job.inputs.all())
    return {
        "job": job,
        "state": state,
        "percent": round(100 * state.fraction),
        "status": presenters.status(job),
        "facts": _facts(job),
        "params": sorted(job.params.items()),
        "metrics": sorted(job.metrics.items()),
        "inputs": inputs,
        "outputs": outputs,
        "first_picture": next((output for output in outputs if output.is_picture), None),
        "timeline": _timeline(job),
        "shares": job.shares.all(),
        "recipe": json.dumps(job.recipe, indent=2, ensure_ascii=False) if job.recipe else "",
        "now": timezone.now(),
    }


def _timeline(job: Job) -> list[Moment]:
    happened = [
        Moment(event.at, event.status, event.get_status_display(), event.detail) for event in job.events.all()
    ]
    done = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Job), object_id=str(job.pk)
    ).select_related("user")
    by_admins = [
        Moment(entry.action_time, "admin", entry.user.get_username(), entry.get_change_message())
        for entry in done
    ]
    return sorted(happened + by_admins, key=lambda moment: moment.at)


def _facts(job: Job) -> list[tuple[str, str]]:
    kept = kept_until(job)
    facts = [
        (_("Job"), str(job.uuid)),
        (_("Owner"), _owner_link(job)),
        (
            _("Operation"),
            _("{operation}, version {version}").format(
                operation=job.operation, version=job.operation_version
            ),
        ),
        (_("Method"), job.method),
        (_("Seed"), str(job.seed)),
        (_("Inputs together"), _("{size:.2f} megapixels").format(size=job.megapixels)),
        (_("Queue"), job.queue),
        (_("Priority"), str(job.priority)),
        (_("Worker"), job.worker),
        (_("Attempt"), _attempts(job)),
        (_("Request"), job.request_id),
        (_("Arrived"), presenters.moment(job.created_at)),
        (_("Started"), presenters.moment(job.started_at)),
        (_("Finished"), presenters.moment(job.finished_at)),
        (_("Waited"), presenters.duration(presenters.waited(job))),
        (_("Ran"), presenters.duration(presenters.ran(job))),
        (_("Expected to run"), presenters.duration(job.expected_seconds)),
        (_("May run"), presenters.duration(job.deadline_seconds)),
        (_("Kept until"), _("for good") if job.kept or job.sample else presenters.moment(kept)),
    ]
    return [(name, value) for name, value in facts if value and value != presenters.NOTHING]


def _owner_link(job: Job) -> str:
    """To all jobs of the owner."""
    if not job.owner:
        return presenters.owner_name(job)
    address = f"{reverse('admin:jobs_job_changelist')}?owner__id__exact={job.owner.pk}"
    return format_html('<a class="latent-link" href="{}">{}</a>', address, presenters.owner_name(job))


def _attempts(job: Job) -> str:
    if not job.losses:
        return str(job.attempt)
    return _("{attempt}, {losses} lost").format(attempt=job.attempt, losses=job.losses)
