"""A photo as whoever has a link to it, or to an album that holds it, sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from django.utils.translation import gettext as _

from jobs.models import Asset, Job, ShareLink
from jobs.queue.state import State
from jobs.web.presenters.job import JobPresenter
from jobs.web.presenters.photo import version_title
from jobs.web.presenters.picture import PicturePresenter
from jobs.web.presenters.stage import Layer, Stage, stage


@dataclass(frozen=True)
class SharedPhoto:
    """What a link shows of a photo; nothing says what its owner called it."""

    link: ShareLink
    asset: Asset

    @property
    def title(self) -> str:
        return version_title(self.asset) if self.job else _("A photo")

    @property
    def job(self) -> Job | None:
        return self.asset.made_by

    @cached_property
    def picture(self) -> PicturePresenter:
        return PicturePresenter.of(self.asset, token=self.link.token, title=self.title)

    @cached_property
    def stage(self) -> Stage | None:
        """The photo and, where the link shows that, what it was made from."""
        layers = [Layer.of(self.asset, self.picture, _("Result") if self.job else self.title)]
        original = self.asset.original
        if self.link.original and original and original.trashed_at is None:
            shown = PicturePresenter.of(original, token=self.link.token)
            layers.append(Layer.of(original, shown, _("Original")))
        return stage(layers, layers[-1].picture.id, self.picture.id)

    @property
    def made(self) -> JobPresenter | None:
        """How it was made, where the link shows recipes."""
        if not self.link.recipe or self.job is None:
            return None
        return JobPresenter(self.job, State(), token=self.link.token, original=self.link.original)


def beside(row: Sequence[UUID], shown: UUID) -> tuple[UUID | None, UUID | None]:
    """The photos before and after one in a row."""
    at = row.index(shown)
    return (row[at - 1] if at else None), (row[at + 1] if at + 1 < len(row) else None)
