"""Albums: what is in them, in which order, and what they are called. Nothing else changes them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import transaction
from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery, UUIDField

from jobs.errors import Refused
from jobs.intake.sniffing import clean_name
from jobs.messages import ALBUM_FULL, ALBUM_NAMELESS, TOO_MANY_ALBUMS
from jobs.models import Album, AlbumPhoto, Asset, AssetQuerySet, Owner

MOST_PHOTOS = 2000
MOST_ALBUMS = 500


def create(owner: Owner, name: str, assets: Sequence[Asset] = ()) -> Album:
    """A new album with these photos in this order; raises `Refused` for a name that is none."""
    if owner.albums.count() >= MOST_ALBUMS:
        raise Refused(TOO_MANY_ALBUMS(count=MOST_ALBUMS), status=409)
    with transaction.atomic():
        album = Album.objects.create(owner=owner, name=_named(name))
        add(album, assets)
    return album


def rename(album: Album, name: str) -> None:
    """Raises `Refused` for a name that is none."""
    album.name = _named(name)
    album.save(update_fields=["name"])


def add(album: Album, assets: Sequence[Asset]) -> int:
    """Put photos of its owner at its end, save those that it holds; returns how many came. Raises `Refused` when it is full."""
    with _held(album):
        held = set(album.places.values_list("asset", flat=True))
        new = [asset for asset in assets if asset.pk not in held]
        if len(held) + len(new) > MOST_PHOTOS:
            raise Refused(ALBUM_FULL(count=MOST_PHOTOS), status=409)
        last = album.places.aggregate(last=Max("position"))["last"]
        start = 0 if last is None else last + 1
        AlbumPhoto.objects.bulk_create(
            AlbumPhoto(album=album, asset=asset, position=start + number) for number, asset in enumerate(new)
        )
    return len(new)


def remove(album: Album, assets: AssetQuerySet) -> int:
    """Take photos out of it, which stay in the library; returns how many went."""
    if album.cover_id and assets.filter(pk=album.cover_id).exists():
        album.cover = None
        album.save(update_fields=["cover"])
    return album.places.filter(asset__in=assets).delete()[0]


def place(album: Album, asset: Asset, before: Asset | None) -> None:
    """Move a photo of the album before another one, or to its end."""
    with _held(album):
        places = album.places.exclude(asset=asset)
        target = places.filter(asset=before).values_list("position", flat=True).first() if before else None
        if target is None:
            last = places.aggregate(last=Max("position"))["last"]
            target = 0 if last is None else last + 1
        else:
            places.filter(position__gte=target).update(position=F("position") + 1)
        album.places.filter(asset=asset).update(position=target)


def step(album: Album, asset: Asset, *, later: bool) -> None:
    """Move a photo by one among those that are seen; at the end of the row it stays."""
    row = list(photos(album).values_list("pk", flat=True))
    if asset.pk not in row:
        return
    at = row.index(asset.pk)
    others = row[:at] + row[at + 1 :]
    onto = at + 1 if later else max(0, at - 1)
    place(album, asset, Asset.objects.get(pk=others[onto]) if onto < len(others) else None)


def set_photos(album: Album, assets: Sequence[Asset]) -> None:
    """Exactly these photos, in this order. Raises `Refused` where they are too many."""
    if len(assets) > MOST_PHOTOS:
        raise Refused(ALBUM_FULL(count=MOST_PHOTOS), status=409)
    with _held(album):
        album.places.all().delete()
        add(album, assets)
        if album.cover_id not in {asset.pk for asset in assets}:
            album.cover = None
            album.save(update_fields=["cover"])


def photos(album: Album) -> AssetQuerySet:
    """What is in it and at hand, in its order."""
    return Asset.objects.at_hand().filter(places__album=album).order_by("places__position", "places__pk")


def with_covers(albums: QuerySet[Album]) -> QuerySet[Album]:
    """Each with `photo_count`, with `chosen_cover`, None where there is none at hand, and with `first_photo`."""
    seen = AlbumPhoto.objects.filter(album=OuterRef("pk"), asset__trashed_at=None)
    chosen = seen.filter(asset=OuterRef("cover")).values("asset")
    return albums.annotate(
        photo_count=Count("places", filter=Q(places__asset__trashed_at=None)),
        chosen_cover=Subquery(chosen[:1], output_field=UUIDField()),
        first_photo=Subquery(seen.order_by("position", "pk").values("asset")[:1], output_field=UUIDField()),
    )


def _named(name: str) -> str:
    cleaned = clean_name(name.replace("/", "-").replace("\\", "-"))
    if not cleaned:
        raise Refused(ALBUM_NAMELESS)
    return cleaned


@contextmanager
def _held(album: Album) -> Iterator[None]:
    """A transaction in which nobody else changes the album."""
    with transaction.atomic():
        Album.objects.select_for_update().filter(pk=album.pk).first()
        yield
