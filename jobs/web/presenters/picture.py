"""Pictures as pages show them, whoever they belong to and by whichever address they are reached."""

from dataclasses import dataclass
from typing import Self

from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.access import signing
from jobs.models import Asset
from jobs.storage import copies
from jobs.storage.thumbnails import THUMBNAIL_SIDES
from ml.core.formats import Kind

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
    moves: bool = False
    shared: bool = False

    @classmethod
    def of(
        cls, asset: Asset, *, token: str = "", alt: str | None = None, title: str = "", measured: str = ""
    ) -> Self:
        """To its owner or, where `token` is given, to whoever has the link, who does not learn what it is called."""
        name = title or (asset.output.replace("_", " ") if asset.output else "" if token else asset.name)
        return cls(
            id=str(asset.id),
            name=name,
            alt=_described(asset, name) if alt is None else alt,
            path=_path(asset, token),
            width=asset.width or None,
            height=asset.height or None,
            bytes=asset.bytes,
            media_type=asset.media_type,
            color=asset.color,
            measured=measured,
            moves=asset.kind == Kind.ANIMATION,
            shared=bool(token),
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
        return self._address()

    @property
    def download(self) -> str:
        return self._address("download")

    @property
    def formats(self) -> list[str]:
        """In which it can be had beside its own; none for what is too large for that, or no picture."""
        megapixels = (self.width or 0) * (self.height or 0) / 1e6
        if not self.is_picture or self.moves or megapixels > copies.MOST_MEGAPIXELS:
            return []
        return list(copies.FORMATS_OFFERED)

    @property
    def sides(self) -> list[int]:
        """The sizes in which it can be had beside its own."""
        return [side for side in copies.SIDES if side < self.longest]

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
        return self._address(f"size={side}")

    def _address(self, query: str = "") -> str:
        """Of what a link shows, that of the link, which asks each time whether it is alive and open."""
        if self.shared:
            return f"{self.path}?{query}" if query else self.path
        return signing.address(self.path, query)


def _path(asset: Asset, token: str) -> str:
    view = "output" if asset.output else "photo"
    return (
        reverse(f"shared-{view}", args=[token, asset.id])
        if token
        else reverse(f"{view}-file", args=[asset.id])
    )


def _described(asset: Asset, name: str) -> str:
    if asset.output:
        return _("The result “{name}”").format(name=asset.output.replace("_", " "))
    return name or _("The photo")
