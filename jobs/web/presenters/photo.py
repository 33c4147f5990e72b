"""A photo with its versions, as its page and the wall of the library show it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from jobs.library.naming import file_name, stem
from jobs.models import Album, Asset, Job
from jobs.web.presenters.picture import PicturePresenter
from jobs.web.presenters.stage import Layer, Stage, stage


@dataclass(frozen=True)
class PhotoTile:
    """A photo on the wall; `version_count` and `at_work` were counted with it. With `token` it is a link's."""

    photo: Asset
    version_count: int
    at_work: bool
    token: str = ""

    @property
    def picture(self) -> PicturePresenter | None:
        shown = PicturePresenter.of(self.photo, token=self.token, alt="")
        return shown if shown.is_picture or shown.is_video else None

    @property
    def name(self) -> str:
        return version_title(self.photo) if self.token else stem(self.photo)


@dataclass(frozen=True)
class AlbumTile:
    """An album in the list of all, with its cover."""

    album: Album
    count: int
    cover: PicturePresenter | None

    @classmethod
    def of_all(cls, albums: Iterable[Album]) -> "list[AlbumTile]":
        """Of albums that were looked up with their counts and covers (`jobs.library.albums.with_covers`)."""
        row: list[Any] = list(albums)
        covers = Asset.objects.in_bulk([album.chosen_cover or album.first_photo for album in row])
        return [
            cls(album, album.photo_count, _shown(covers.get(album.chosen_cover or album.first_photo)))
            for album in row
        ]


def _shown(asset: Asset | None) -> PicturePresenter | None:
    picture = PicturePresenter.of(asset, alt="") if asset else None
    return picture if picture and (picture.is_picture or picture.is_video) else None


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
        return version_title(self.asset) if self.asset.made_by else stem(self.asset)

    @property
    def file_name(self) -> str:
        return file_name(self.asset)


def version_title(asset: Asset) -> str:
    """What was done; with the method, and of several results of a run, which of them it is. Empty for an upload."""
    job = asset.made_by
    operation = job.declaration if job else None
    if job is None or operation is None:
        return job.operation if job else ""
    method = operation.methods.get(job.method)
    which = "" if asset.output == operation.result else asset.output.replace("_", " ")
    return " · ".join(filter(None, [_(operation.title), _(method.title) if method else "", which]))


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

    @property
    def shown(self) -> PicturePresenter:
        """The version that the page begins with or, where there is none, the photo."""
        return self.versions[0].picture if self.versions else self.picture

    @cached_property
    def versions(self) -> list[Version]:
        return [Version(asset) for asset in self.made]

    @cached_property
    def stage(self) -> Stage | None:
        """The versions and the photo: the first version beside what it is compared with."""
        layers = [Layer.of(each.asset, each.picture, each.title) for each in self.versions]
        layers.append(Layer.of(self.photo, self.picture, _("Original")))
        right = next((asset for asset in self.made if asset != self.against), self.photo)
        return stage(layers, str(self._left_of(right).pk), str(right.pk))

    def _left_of(self, right: Asset) -> Asset:
        """What was asked for or, where that is only the photo, what the operation would have a result compared with."""
        operation = right.made_by.declaration if right.made_by else None
        if self.against != self.photo or operation is None or not operation.left:
            return self.against
        of_one_run = (each for each in self.made if each.made_by_id == right.made_by_id)
        return next((each for each in of_one_run if each.output == operation.left), self.against)
