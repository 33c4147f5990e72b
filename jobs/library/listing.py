"""The photos of an owner as lists: each with its versions, found by name, by what was done, and by what is on it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from jobs.access import visibility
from jobs.errors import Refused
from jobs.messages import BAD_CURSOR
from jobs.models import UNFINISHED, Album, Asset, AssetQuerySet, Job, JobInput, Owner
from jobs.queue.results import words_of
from ml.core.text import capped

Row = TypeVar("Row", Asset, Album)
FEW = 1000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Asked:
    """What a list is to be narrowed to; what is empty narrows nothing."""

    search: str = ""
    operation: str = ""
    method: str = ""
    kind: str = ""
    album: UUID | None = None
    favourite: bool = False
    running: bool = False
    failed: bool = False


@dataclass(frozen=True)
class Page(Generic[Row]):
    """A part of a list, the newest first, and the cursor after which it goes on; empty at its end."""

    rows: list[Row] = field(default_factory=list)
    cursor: str = ""


def photos(owner: Owner, asked: Asked = Asked()) -> AssetQuerySet:
    """The photos of an owner, each standing for its versions; what descends from one in the trash stands for itself."""
    found = visibility.assets_of(owner).filter(alone=True)
    if asked.kind:
        found = found.filter(kind=asked.kind)
    if asked.operation:
        made = owner.assets.filter(made_by__operation=asked.operation)
        found = _standing_for(found, made.filter(made_by__method=asked.method) if asked.method else made)
    if asked.album:
        found = _standing_for(found, owner.assets.filter(places__album=asked.album))
    if asked.favourite:
        found = _standing_for(found, owner.assets.filter(favourite=True))
    for wanted, statuses in ((asked.running, UNFINISHED), (asked.failed, (Job.Status.FAILED,))):
        if wanted:
            used = owner.assets.filter(uses__job__status__in=statuses, uses__job__owner=owner)
            found = _standing_for(found, used)
    if asked.search:
        named = found.filter(matching(asked.search) | _in_albums_named(owner, asked.search))
        few = list(named.order_by().values_list("pk", flat=True)[: FEW + 1])
        found = found.filter(pk__in=few) if len(few) <= FEW else named
    return found


def _in_albums_named(owner: Owner, search: str) -> Q:
    """Photos that are in an album of such a name, or have a version there."""
    albums = list(owner.albums.filter(name__icontains=search).values_list("pk", flat=True))
    if not albums:
        return Q(pk__in=())
    held = visibility.assets_of(owner).filter(places__album__in=albums)
    return Q(pk__in=held.values("pk")) | Q(pk__in=held.exclude(original=None).values("original"))


def _standing_for(photos: AssetQuerySet, assets: AssetQuerySet) -> AssetQuerySet:
    """Those that are among the assets or have a version there: from these where they are few, else photo by photo."""
    assets = assets.at_hand().order_by()
    few = set(assets.values_list("original", "pk")[: FEW + 1])
    if len(few) <= FEW:
        return photos.filter(pk__in={pk for pair in few for pk in pair if pk})
    return photos.filter(
        Exists(assets.filter(pk=OuterRef("pk"))) | Exists(assets.filter(original=OuterRef("pk")))
    )


def all_of(owner: Owner, *, trashed: bool = False) -> AssetQuerySet:
    """Uploads and results of an owner, or what lies in the trash."""
    return owner.assets.filter(trashed_at__isnull=False) if trashed else visibility.assets_of(owner)


def with_counts(assets: AssetQuerySet) -> AssetQuerySet:
    """Each with `version_count`, and `at_work` where a job on it has not ended."""
    versions = Asset.objects.at_hand().filter(original=OuterRef("pk")).order_by().values("original")
    return assets.annotate(
        version_count=Subquery(versions.annotate(count=Count("pk")).values("count")),
        at_work=Exists(_at_work()),
    )


def page(rows: QuerySet[Row], cursor: str, length: int) -> Page[Row]:
    """The part of a list after a cursor; raises `Refused` for what is none."""
    if cursor:
        at, pk = _position(cursor)
        rows = rows.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lt=pk))
    found = list(rows.order_by("-created_at", "-pk")[: length + 1])
    more = len(found) > length
    return Page(found[:length], _cursor(found[length - 1]) if more else "")


def stands_for(asset: Asset) -> Asset:
    """The photo under which an asset stands in the library: its original, or where that is in the trash, itself."""
    return asset if asset.alone or asset.original is None else asset.original


def matching(search: str) -> Q:
    """By a part of its name, or by the beginnings of words that were noted."""
    found = Q()
    for word in words_of(search):
        found &= Q(words__contains=f" {word}")
    return Q(name__icontains=search) | found if found else Q(name__icontains=search)


def _at_work() -> QuerySet[JobInput]:
    return JobInput.objects.filter(asset=OuterRef("pk"), job__status__in=UNFINISHED)


def _cursor(row: Asset | Album) -> str:
    return f"{(row.created_at - EPOCH) // _MICROSECOND}-{row.pk.hex}"


def _position(cursor: str) -> tuple[datetime, UUID]:
    moment, _dash, pk = cursor.partition("-")
    since = capped(moment)
    try:
        assert since is not None
        return EPOCH + since * _MICROSECOND, UUID(pk)
    except (AssertionError, ValueError, OverflowError):
        raise Refused(BAD_CURSOR) from None
