"""Filters of the admin's lists. None of them looks at every row to know its choices."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Max, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import DropdownFilter
from unfold.contrib.filters.admin.datetime_filters import RangeDateFilter
from unfold.widgets import UnfoldAdminTextInputWidget

from jobs.models import Job
from jobs.queue import workers
from ml.registry import registry

RECENT_JOBS = 1000


def recent_workers() -> dict[str, datetime]:
    """The workers that took one of the latest jobs, each with when it last started one."""
    latest = Job.objects.order_by("-id").values("pk")[:RECENT_JOBS]
    taken = Job.objects.filter(pk__in=latest, started_at__isnull=False).exclude(worker="")
    return dict(taken.order_by("worker").values_list("worker").annotate(last=Max("started_at")))


class ColumnFilter(DropdownFilter):  # type: ignore[misc]
    """Rows with one value in the column `parameter_name`; heeded even where it has no choices to offer."""

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        return queryset.filter(**{self.parameter_name: self.value()}) if self.value() else queryset


class OperationFilter(ColumnFilter):
    title = gettext_lazy("operation")
    parameter_name = "operation"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(operation.slug, _(operation.title)) for operation in registry().all()]


class MethodFilter(ColumnFilter):
    """The methods of the operation that is filtered by, or of all."""

    title = gettext_lazy("method")
    parameter_name = "method"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        chosen = request.GET.get("operation")
        titles = {
            method: _(option.title)
            for operation in registry().all()
            if chosen in (None, "", operation.slug)
            for method, option in operation.methods.items()
        }
        return list(titles.items())


class WorkerFilter(ColumnFilter):
    """The workers that are there, and those that took one of the latest jobs."""

    title = gettext_lazy("worker")
    parameter_name = "worker"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = {worker.name for worker in workers.workers()} | set(recent_workers())
        return [(name, name) for name in sorted(names)]


class DaysForm(forms.Form):
    """Two dates, chosen with the browser's own control."""

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for suffix, label in (("from", _("Arrived from")), ("to", _("Arrived until"))):
            self.fields[f"{name}_{suffix}"] = forms.DateField(
                label=label, required=False, widget=UnfoldAdminTextInputWidget(attrs={"type": "date"})
            )


class DaysFilter(RangeDateFilter):  # type: ignore[misc]
    """From the first day to the last, both included."""

    form_class = DaysForm
    template = "unfold/filters/filters_field.html"

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        name = self.parameter_name
        data = {key: self.used_parameters.get(key) for key in (f"{name}_from", f"{name}_to")}
        yield {"form": self.form_class(name=name, data=data)}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        first, last = self._day("from"), self._day("to")
        if first:
            queryset = queryset.filter(**{f"{self.field_path}__gte": first})
        if last:
            queryset = queryset.filter(**{f"{self.field_path}__lt": last + timedelta(days=1)})
        return queryset

    def _day(self, end: str) -> datetime | None:
        """Midnight of a day; None where there is none, or none that can be read."""
        text = self.used_parameters.get(f"{self.parameter_name}_{end}")
        try:
            day = parse_date(text) if text else None
        except ValueError:
            return None
        return timezone.make_aware(datetime(day.year, day.month, day.day)) if day else None
