"""Photos, owners, share links and API tokens."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from jobs.access import sharing
from jobs.admin import presenters
from jobs.admin.base import Deletion, RecordAdmin, uuids_that_begin
from jobs.admin.filters import DaysFilter
from jobs.library import retention
from jobs.models import ApiToken, Asset, Job, Owner, ShareLink


@admin.register(Asset)
class AssetAdmin(Deletion, RecordAdmin):
    list_display = ("picture", "name_or_id", "owner", "kind", "format", "pixels", "size", "created_at")
    list_display_links = ("picture", "name_or_id")
    list_select_related = ("owner__user",)
    list_filter = (
        ("kind", ChoicesDropdownFilter),
        ("owner", AutocompleteSelectFilter),
        ("created_at", DaysFilter),
    )
    search_fields = ("name", "sha256")
    search_help_text = gettext_lazy("Name or SHA-256")
    readonly_fields = ("large_picture", "pixels", "size", "note")
    fields = (
        "large_picture", "name", "owner", "kind", "format", "pixels", "frames", "seconds", "size", "sha256",
        "note", "created_at",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("picture"))
    def picture(self, asset: Asset) -> str | None:
        return presenters.asset_thumbnail(asset)

    @admin.display(description=gettext_lazy("picture"))
    def large_picture(self, asset: Asset) -> str | None:
        return presenters.large_picture(asset)

    @admin.display(description=gettext_lazy("photo"))
    def name_or_id(self, asset: Asset) -> str:
        return str(asset)

    @admin.display(description=gettext_lazy("pixels"))
    def pixels(self, asset: Asset) -> str:
        return f"{asset.width} × {asset.height}"

    @admin.display(description=gettext_lazy("size"))
    def size(self, asset: Asset) -> str:
        return filesizeformat(asset.bytes)

    def remove(self, obj: Asset) -> None:
        retention.delete_asset(obj)

    def needed_by(self, obj: Asset) -> Iterable[Job]:
        return Job.objects.unfinished().filter(inputs__asset=obj).distinct()


@admin.register(Owner)
class OwnerAdmin(Deletion, RecordAdmin):
    """Members and visitors: the place where all that somebody has is deleted."""

    list_display = ("name", "is_member", "created_at")
    list_select_related = ("user",)
    list_filter = (("created_at", DaysFilter),)
    search_fields = ("user__username",)
    search_help_text = gettext_lazy("Name of a member, or the start of a visitor's")
    fields = ("name", "is_member", "created_at", "their_jobs")
    readonly_fields = ("name", "is_member", "their_jobs")

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

    @admin.display(description=gettext_lazy("member"), boolean=True)
    def is_member(self, owner: Owner) -> bool:
        return owner.user_id is not None

    @admin.display(description=gettext_lazy("jobs"))
    def their_jobs(self, owner: Owner) -> SafeString:
        address = f"{reverse('admin:jobs_job_changelist')}?owner__id__exact={owner.pk}"
        count = owner.jobs.count()
        text = ngettext("{count} job", "{count} jobs", count).format(count=count)
        return format_html('<a class="latent-link" href="{}">{}</a>', address, text)

    def remove(self, obj: Owner) -> None:
        retention.delete_belongings(obj)
        obj.delete()

    def goes_along(self, obj: Owner) -> dict[str, int]:
        return {_("jobs"): obj.jobs.count(), _("photos"): obj.assets.count()}


@admin.register(ShareLink)
class ShareLinkAdmin(RecordAdmin):
    """Shows no token: an admin sees the job itself."""

    list_display = ("job", "is_live", "original", "recipe", "created_at", "expires_at", "revoked_at")
    list_select_related = ("job",)
    list_filter = (("created_at", DaysFilter),)
    fields = (
        "job",
        "is_live",
        "original",
        "recipe",
        "download",
        "has_password",
        "created_at",
        "expires_at",
        "revoked_at",
    )
    readonly_fields = ("is_live", "has_password")
    actions = ("revoke",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("live"), boolean=True)
    def is_live(self, link: ShareLink) -> bool:
        return link.revoked_at is None and (link.expires_at is None or link.expires_at > timezone.now())

    @admin.display(description=gettext_lazy("password"), boolean=True)
    def has_password(self, link: ShareLink) -> bool:
        return bool(link.password)

    @admin.action(description=gettext_lazy("Revoke"))
    def revoke(self, request: HttpRequest, links: QuerySet[ShareLink]) -> None:
        count = sharing.revoke(links)
        sentence = ngettext("One link is dead.", "{count} links are dead.", count).format(count=count)
        self.message_user(request, sentence, messages.SUCCESS)


@admin.register(ApiToken)
class ApiTokenAdmin(RecordAdmin):
    """A token is deleted to revoke it; its digest is shown to nobody."""

    list_display = ("name_or_not", "user", "created_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    fields = ("name", "user", "created_at", "last_used_at")

    @admin.display(description=gettext_lazy("name"))
    def name_or_not(self, token: ApiToken) -> str:
        return token.name or _("unnamed")
