"""What the admin's lists have in common."""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any
from uuid import UUID

from django.contrib.admin import ShowFacets
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from jobs.access import identity
from jobs.admin.presenters import NOTHING

MOST_COUNTED = 10_000
SHORTEST_PREFIX = 6


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than `MOST_COUNTED` rows: older ones are found by filters and search."""

    template_name = "admin/capped_pagination.html"

    @cached_property
    def counted(self) -> int:
        rows: Any = self.object_list
        count: int = rows[: MOST_COUNTED + 1].count()
        return count

    @cached_property
    def count(self) -> int:
        return min(self.counted, MOST_COUNTED)

    @property
    def capped(self) -> bool:
        return self.counted > MOST_COUNTED


class RecordList(ChangeList):  # type: ignore[misc]
    """The heading says how many rows were found only where that is known, and not all of them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if self.paginator.capped or not (self.has_active_filters or self.query):
            self.full_result_count = self.result_count


class Deletion:
    """Deleting through `remove` of one row at a time, never by a cascade that would forget the files.

    A mixin for a `ModelAdmin`, before it.
    """

    remove: Callable[[Any], None]

    def goes_along(self, obj: Any) -> dict[str, int]:
        """How many things of each kind, by its plural name, are deleted with a row."""
        return {}

    def needed_by(self, obj: Any) -> Iterable[Model]:
        """What forbids that a row is deleted."""
        return ()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.remove(obj)

    def delete_queryset(self, request: HttpRequest, queryset: Iterable[Any]) -> None:
        for obj in queryset:
            self.remove(obj)

    def get_deleted_objects(
        self, objs: Iterable[Model], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        rows = list(objs)
        counts = {str(rows[0]._meta.verbose_name_plural): len(rows)} if rows else {}
        for row in rows:
            for name, count in self.goes_along(row).items():
                counts[name] = counts.get(name, 0) + count
        needed_by = [str(other) for row in rows for other in self.needed_by(row)]
        return [str(row) for row in rows], counts, set(), needed_by


class RecordAdmin(ModelAdmin):  # type: ignore[misc]
    """Every admin sees and may delete these rows; nobody adds or edits them by hand."""

    paginator = CappedPaginator
    list_per_page = 40
    list_max_show_all = 0
    list_disable_select_all = True
    list_filter_submit = True
    show_full_result_count = False
    empty_value_display = format_html('<span class="latent-none">{}</span>', NOTHING)
    show_facets = ShowFacets.NEVER
    sortable_by = ()
    ordering = ("-created_at",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RecordList]:
        return RecordList

    def has_module_permission(self, request: HttpRequest) -> bool:
        return identity.is_admin(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return identity.is_admin(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return identity.is_admin(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def uuids_that_begin(term: str) -> tuple[UUID, UUID] | None:
    """The first and the last UUID that begin with these hexadecimal digits; None for any other term."""
    digits = term.replace("-", "").lower()
    if not SHORTEST_PREFIX <= len(digits) <= 32 or not set(digits) <= set("0123456789abcdef"):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
