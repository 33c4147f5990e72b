"""Links as their owner sees them: on the page of what they are to, and in the list of all."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.access import sharing
from jobs.library.naming import stem
from jobs.models import Album, Asset, Job, Shareable, ShareLink
from jobs.web.presenters.photo import version_title
from jobs.web.presenters.picture import PicturePresenter


@dataclass(frozen=True)
class LinkPresenter:
    """A link, and what it is to."""

    link: ShareLink

    @cached_property
    def title(self) -> str:
        match self.link.what:
            case Album() as album:
                return album.name
            case Asset() as asset:
                return stem(asset)
            case Job() as job:
                return _(job.declaration.title) if job.declaration else job.operation

    @property
    def url(self) -> str:
        return page_of(self.link.what)

    @cached_property
    def picture(self) -> PicturePresenter | None:
        """The first of what is shown; None for what is no picture."""
        first = sharing.shown(self.link).first()
        shown = PicturePresenter.of(first, alt="") if first else None
        return shown if shown and shown.is_picture else None

    @property
    def opened(self) -> str:
        count = self.link.views
        return ngettext("opened once", "opened {count} times", count).format(count=count) if count else ""

    @property
    def until(self) -> str:
        """What a link is good for that has no end of its own."""
        match self.link.what:
            case Album():
                return _("works as long as there is the album")
            case Asset():
                return _("works as long as there is the photo")
            case Job():
                return _("works as long as the job is kept")


@dataclass(frozen=True)
class Sharing:
    """The links to something, and how to make another; `made` is the one that was just made.

    On the page of a photo `versions` are that and what was made of it, each of which may be shared.
    """

    what: Shareable
    made: str = ""
    versions: Sequence[Asset] = ()

    @cached_property
    def links(self) -> list[LinkPresenter]:
        links = sharing.live_links(self.what)
        if self.versions:
            links = sharing.live(ShareLink.objects.filter(asset__in=self.versions))
        return [LinkPresenter(link) for link in links.select_related("job", "asset__made_by", "album")]

    @property
    def choices(self) -> list[tuple[Asset, str]]:
        """What may be shared, each by its title, where there is more than one."""
        if len(self.versions) < 2:
            return []
        return [(asset, version_title(asset) or _("The original")) for asset in self.versions]

    @property
    def url(self) -> str:
        match self.what:
            case Album():
                return reverse("album-share", args=[self.what.pk])
            case Asset():
                return reverse("photo-share", args=[self.what.pk])
            case Job():
                return reverse("job-share", args=[self.what.uuid])

    @property
    def back(self) -> str:
        return f"{page_of(self.what)}#share"

    @property
    def is_album(self) -> bool:
        return isinstance(self.what, Album)

    @property
    def has_original(self) -> bool:
        return not isinstance(self.what, Asset) or self.what.original_id is not None

    @property
    def has_recipe(self) -> bool:
        return not isinstance(self.what, Asset) or self.what.made_by_id is not None


def page_of(what: Shareable) -> str:
    """Where its owner sees it."""
    match what:
        case Album():
            return reverse("album", args=[what.pk])
        case Asset():
            return reverse("photo", args=[what.pk])
        case Job():
            return reverse("job", args=[what.uuid])
