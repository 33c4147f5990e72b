"""Members and visitors, with what they have and what it takes."""

from django.contrib import admin
from django.db.models import Q, QuerySet, Sum
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from jobs.access import sharing
from jobs.admin.base import Deletion, RecordAdmin, uuids_that_begin
from jobs.admin.filters import DaysFilter
from jobs.library import retention
from jobs.models import Owner

_THROWN = Q(trashed_at__isnull=False)


@admin.register(Owner)
class OwnerAdmin(Deletion, RecordAdmin):
    """Members and visitors: the place where all that somebody has is deleted."""

    list_display = ("name", "kind", "created_at")
    list_select_related = ("user",)
    list_filter = (("created_at", DaysFilter),)
    search_fields = ("user__username",)
    search_help_text = gettext_lazy("Name of a member, or the start of a visitor's")
    fields = ("name", "kind", "created_at", "storage", "counts", "their_jobs", "their_photos")
    readonly_fields = ("name", "kind", "storage", "counts", "their_jobs", "their_photos")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Owner], search_term: str
    ) -> tuple[QuerySet[Owner], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(user__username__istartswith=term)
        if uuids := uuids_that_begin(term.removeprefix("visitor").strip()):
            found |= Q(pk__range=uuids)
        return queryset.filter(found), False

    @admin.display(description=gettext_lazy("owner"))
    def name(self, owner: Owner) -> str:
        return str(owner)

    @admin.display(description=gettext_lazy("kind"))
    def kind(self, owner: Owner) -> str:
        return _("member") if owner.user_id else _("visitor")

    @admin.display(description=gettext_lazy("storage"))
    def storage(self, owner: Owner) -> str:
        """What uploads and results take; what lies in the trash counts, since it is still there."""
        used = owner.assets.aggregate(
            all=Sum("bytes", default=0), trash=Sum("bytes", default=0, filter=_THROWN)
        )
        said = _("{used}, of it {trash} in the trash") if used["trash"] else "{used}"
        return said.format(used=filesizeformat(used["all"]), trash=filesizeformat(used["trash"]))

    @admin.display(description=gettext_lazy("has"))
    def counts(self, owner: Owner) -> str:
        assets = owner.assets
        counted = (
            (assets.uploaded().count(), _("uploads")),
            (assets.made().count(), _("results")),
            (assets.filter(_THROWN).count(), _("in the trash")),
            (owner.albums.count(), _("albums")),
            (sharing.live_links_of(owner).count(), _("links that work")),
        )
        return " · ".join(f"{count:,} {what}" for count, what in counted)

    @admin.display(description=gettext_lazy("jobs"))
    def their_jobs(self, owner: Owner) -> SafeString:
        count = owner.jobs.count()
        text = ngettext("{count} job", "{count} jobs", count).format(count=count)
        return _list("job", owner, text)

    @admin.display(description=gettext_lazy("photos"))
    def their_photos(self, owner: Owner) -> SafeString:
        return _list("asset", owner, _("Look at them"))

    def remove(self, obj: Owner) -> None:
        retention.delete_belongings(obj)
        obj.delete()

    def goes_along(self, obj: Owner) -> dict[str, int]:
        return {_("jobs"): obj.jobs.count(), _("photos"): obj.assets.count()}


def _list(model: str, owner: Owner, text: str) -> SafeString:
    address = f"{reverse(f'admin:jobs_{model}_changelist')}?owner__id__exact={owner.pk}"
    return format_html('<a class="latent-link" href="{}">{}</a>', address, text)
