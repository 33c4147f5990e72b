"""A photo with its versions, as its page and the wall of the library show it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from django.utils.translation import gettext as _

from jobs.library.naming import file_name, stem
from jobs.models import Asset, Job
from jobs.web.presenters.picture import PicturePresenter
from ml.core.operation import Shows

SAME_SHAPE = 0.015
"""How much the logarithms of two proportions may differ where one picture can lie on the other."""


@dataclass(frozen=True)
class PhotoTile:
    """A photo on the wall; `version_count` and `at_work` were counted with it."""

    photo: Asset
    version_count: int
    at_work: bool

    @property
    def picture(self) -> PicturePresenter | None:
        shown = PicturePresenter.of(self.photo, alt="")
        return shown if shown.is_picture or shown.is_video else None

    @property
    def name(self) -> str:
        return stem(self.photo)


@dataclass(frozen=True)
class Version:
    """Something made of a photo, and how."""

    asset: Asset

    @cached_property
    def picture(self) -> PicturePresenter:
        return PicturePresenter.of(self.asset, title=self.title)

    @property
    def job(self) -> Job | None:
        return self.asset.made_by

    @property
    def title(self) -> str:
        """What was done; with the method, and of several results of a run, which of them it is."""
        job = self.asset.made_by
        if job is None:
            return stem(self.asset)
        operation = job.declaration
        if operation is None:
            return job.operation
        method = operation.methods.get(job.method)
        which = "" if self.asset.output == operation.result else self.asset.output.replace("_", " ")
        return " · ".join(filter(None, [_(operation.title), _(method.title) if method else "", which]))

    @property
    def file_name(self) -> str:
        return file_name(self.asset)


@dataclass(frozen=True)
class PhotoPresenter:
    """A photo with its versions, the newest first; `against` is the one that they are compared with."""

    photo: Asset
    made: Sequence[Asset]
    against: Asset

    @property
    def name(self) -> str:
        return stem(self.photo)

    @cached_property
    def picture(self) -> PicturePresenter:
        return PicturePresenter.of(self.photo)

    @cached_property
    def versions(self) -> list[Version]:
        return [Version(asset) for asset in self.made]

    @cached_property
    def views(self) -> list[PicturePresenter]:
        """What can be put on the stage: the versions or, where there are none, the photo."""
        shown = [version.picture for version in self.versions if version.asset != self.against]
        return [view for view in shown if view.is_picture or view.is_video]

    @cached_property
    def before(self) -> PicturePresenter | None:
        """What the versions are compared with."""
        before = PicturePresenter.of(self.against)
        return before if before.is_picture else None

    @property
    def before_title(self) -> str:
        """What that is, where it is not the original."""
        return Version(self.against).title if self.against != self.photo else ""

    @property
    def comparable(self) -> bool:
        """Whether the first version has the proportions of what it is compared with."""
        views, before = self.views, self.before
        return bool(
            views
            and before
            and views[0].is_picture
            and abs(math.log(views[0].ratio / before.ratio)) < SAME_SHAPE
        )

    @property
    def begins_with(self) -> str:
        """The view the page begins with: what is drawn on the original is seen best alone."""
        job = next((version.job for version in self.versions), None)
        shows = job.declaration.shows if job and job.declaration else Shows.COMPARE
        return "compare" if shows is Shows.COMPARE else "after"
