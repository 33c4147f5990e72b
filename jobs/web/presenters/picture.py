"""Pictures as pages show them, whoever they belong to and by whichever address they are reached."""

from dataclasses import dataclass
from typing import Self

from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.access import signing
from jobs.models import Output, Photo
from jobs.storage.thumbnails import THUMBNAIL_SIDES

SMALL_BYTES = 1_500_000
"""A file up to this is shown as it is, however large the screen."""


@dataclass(frozen=True)
class PicturePresenter:
    """A picture or another file, ready for a template. `width` and `height` are None for what is no picture."""

    id: str
    name: str
    alt: str
    path: str
    width: int | None
    height: int | None
    bytes: int
    media_type: str
    color: str
    measured: str = ""
    """What was found of it, in a word or two."""

    @classmethod
    def photo(cls, photo: Photo, *, token: str = "", alt: str | None = None) -> Self:
        path = (
            reverse("shared-photo", args=[token, photo.id])
            if token
            else reverse("photo-file", args=[photo.id])
        )
        return cls(
            id=str(photo.id),
            name="" if token else photo.name,
            alt=alt if alt is not None else (photo.name if photo.name and not token else _("The photo")),
            path=path,
            width=photo.width,
            height=photo.height,
            bytes=photo.bytes,
            media_type=photo.media_type,
            color=photo.color,
        )

    @classmethod
    def output(
        cls, output: Output, *, token: str = "", alt: str | None = None, title: str = "", measured: str = ""
    ) -> Self:
        path = (
            reverse("shared-output", args=[token, output.id])
            if token
            else reverse("output-file", args=[output.id])
        )
        return cls(
            id=str(output.id),
            name=title or output.name.replace("_", " ").replace("-", " "),
            alt=alt
            if alt is not None
            else _("The result “{name}”").format(name=output.name.replace("_", " ")),
            path=path,
            width=output.width,
            height=output.height,
            bytes=output.bytes,
            media_type=output.media_type,
            color=output.color,
            measured=measured,
        )

    @property
    def is_picture(self) -> bool:
        return self.media_type.startswith("image/") and bool(self.width and self.height)

    @property
    def is_video(self) -> bool:
        return self.media_type.startswith("video/")

    @property
    def file_type(self) -> str:
        """As a person calls it: PNG, MP4, ZIP."""
        return self.media_type.rsplit("/", 1)[-1].removeprefix("x-").upper()

    @property
    def longest(self) -> int:
        return max(self.width or 0, self.height or 0)

    @property
    def tiny(self) -> bool:
        """So few pixels that each is worth seeing."""
        return 0 < self.longest <= 160

    @property
    def url(self) -> str:
        return signing.address(self.path)

    @property
    def download(self) -> str:
        return signing.address(self.path, "download")

    @property
    def thumbnail(self) -> str:
        return self._sized(512)

    @property
    def stage(self) -> str:
        """For a large view: the file itself, or a copy of 2,048 pixels of a picture where it is heavy."""
        if self.is_video:
            return self.url
        return self.url if self.bytes <= SMALL_BYTES or self.longest <= 2048 else self._sized(2048)

    @property
    def srcset(self) -> str:
        """Copies by width in pixels, the file itself last; of a video, copies of its first picture alone."""
        longest = self.longest or 1
        width = self.width or 1
        copies = [
            f"{self._sized(side)} {max(1, round(width * side / longest))}w"
            for side in THUMBNAIL_SIDES
            if side < longest
        ]
        return ", ".join(copies if self.is_video else [*copies, f"{self.url} {width}w"])

    @property
    def ratio(self) -> float:
        """Width by height."""
        return (self.width or 1) / (self.height or 1)

    @property
    def ratio_class(self) -> str:
        """The class in the stylesheet that grows a tile by its proportions, in tenths."""
        return f"ratio-{min(30, max(5, round(10 * self.ratio)))}"

    def _sized(self, side: int) -> str:
        return signing.address(self.path, f"size={side}")
