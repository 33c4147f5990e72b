"""Photos, albums, share links and API tokens."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from jobs.access import sharing
from jobs.admin import presenters
from jobs.admin.base import Deletion, RecordAdmin
from jobs.admin.filters import DaysFilter
from jobs.library import retention
from jobs.models import Album, ApiToken, Asset, Job, ShareLink


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


@admin.register(Album)
class AlbumAdmin(Deletion, RecordAdmin):
    """Its photos are those of its owner; here it can be looked at and deleted, and they stay."""

    list_display = ("name", "owner", "photos", "created_at")
    list_select_related = ("owner__user",)
    list_filter = (("owner", AutocompleteSelectFilter), ("created_at", DaysFilter))
    search_fields = ("name",)
    search_help_text = gettext_lazy("Name")
    fields = ("name", "owner", "photos", "links", "created_at")
    readonly_fields = ("photos", "links")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Album]:
        albums: QuerySet[Album] = super().get_queryset(request)
        return albums.annotate(held=Count("places"))

    @admin.display(description=gettext_lazy("photos"))
    def photos(self, album: Any) -> int:
        count: int = album.held
        return count

    @admin.display(description=gettext_lazy("links"))
    def links(self, album: Album) -> int:
        return sharing.live_links(album).count()

    def remove(self, obj: Album) -> None:
        obj.delete()

    def goes_along(self, obj: Album) -> dict[str, int]:
        return {_("share links"): obj.shares.count()}


@admin.register(ShareLink)
class ShareLinkAdmin(RecordAdmin):
    """Shows no token: an admin sees what it is to."""

    list_display = ("shows", "owner_name", "state", "views", "created_at", "expires_at")
    list_select_related = ("job__owner__user", "asset__owner__user", "album__owner__user")
    list_filter = (("created_at", DaysFilter),)
    fields = (
        "shows", "owner_name", "state", "original", "recipe", "download", "has_password", "views", "created_at",
        "expires_at", "revoked_at",
    )  # fmt: skip
    readonly_fields = ("shows", "owner_name", "state", "has_password")
    actions = ("revoke",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("shows"))
    def shows(self, link: ShareLink) -> SafeString:
        kind = {Job: _("Job"), Asset: _("Photo"), Album: _("Album")}[type(link.what)]
        return format_html('<span class="latent-job"><b>{}</b><small>{}</small></span>', link.what, kind)

    @admin.display(description=gettext_lazy("owner"))
    def owner_name(self, link: ShareLink) -> str | None:
        return str(link.owner) if link.owner else None

    @admin.display(description=gettext_lazy("state"))
    def state(self, link: ShareLink) -> str:
        if link.revoked_at:
            return _("revoked")
        over = link.expires_at is not None and link.expires_at <= timezone.now()
        return _("expired") if over else _("live")

    @admin.display(description=gettext_lazy("password"))
    def has_password(self, link: ShareLink) -> str:
        return _("yes") if link.password else _("no")

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
