"""Links by which anybody sees a result, a photo or an album, until they expire or are revoked."""

from datetime import timedelta
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from jobs.access import guessing
from jobs.access.identity import is_admin, owner_of
from jobs.access.signing import is_signed
from jobs.access.visibility import found, given_by
from jobs.errors import Refused
from jobs.messages import NOTHING_TO_SHARE, TOO_MANY_ZIPS, WRONG_LINK_PASSWORD
from jobs.models import Album, Asset, AssetQuerySet, Job, Owner, Shareable, ShareLink

MOST_ZIPS = 10
"""Archives of one link within `ZIP_SPAN`: enough for a family, too few to keep a site busy."""
ZIP_SPAN = timedelta(hours=1)
OPENED = "opened_links"
"""In the session: by link, what proves that its password was given."""


def live_share(token: str) -> ShareLink:
    """A link that is neither expired nor revoked, to what is not in the trash; raises `Http404`."""
    links = ShareLink.objects.select_related("job", "asset", "album").filter(token=token)
    return found(live(links).filter(asset__trashed_at=None).first())


def open_share(request: HttpRequest, token: str) -> ShareLink:
    """A link that is alive and, where it has a password, was opened in this session; raises `Http404`.

    On the media host, which knows no sessions, an address that was signed for whoever had opened it does.
    """
    link = live_share(token)
    return found(link if is_open(request, link) or is_signed(request) else None)


def is_open(request: HttpRequest, link: ShareLink) -> bool:
    if not link.password:
        return True
    return constant_time_compare(request.session.get(OPENED, {}).get(str(link.pk), ""), _proof(link))


def unlock(request: HttpRequest, link: ShareLink, password: str) -> None:
    """Open a link for this session; raises `Refused` for a wrong password, and after too many for a while for any."""
    guessed = f"link {link.pk}"
    guessing.check(request, guessed)
    if not check_password(password, link.password):
        guessing.count_wrong(request, guessed)
        raise Refused(WRONG_LINK_PASSWORD, status=403)
    request.session[OPENED] = {**request.session.get(OPENED, {}), str(link.pk): _proof(link)}


def _proof(link: ShareLink) -> str:
    """What only this password leads to."""
    return salted_hmac("jobs.access.sharing", link.password, algorithm="sha256").hexdigest()[:32]


def share(
    what: Shareable,
    *,
    expires_in: timedelta | None,
    original: bool = True,
    recipe: bool = False,
    download: bool = True,
    password: str = "",
) -> ShareLink:
    """A link by which anybody sees what it is to; without `expires_in` it lives as long as that."""
    if not _is_ready(what):
        raise Refused(NOTHING_TO_SHARE, status=409)
    return ShareLink.objects.create(
        **{_field(what): what},
        original=original,
        recipe=recipe,
        download=download,
        password=make_password(password) if password else "",
        expires_at=timezone.now() + expires_in if expires_in is not None else None,
    )


def shown(link: ShareLink) -> AssetQuerySet:
    """The photos that a link is to, in their order; nothing of the trash."""
    at_hand = Asset.objects.at_hand().select_related("made_by", "original")
    if link.album_id:
        return at_hand.filter(places__album=link.album_id).order_by("places__position", "places__pk")
    if link.asset_id:
        return at_hand.filter(pk=link.asset_id)
    return at_hand.filter(made_by=link.job_id)


def shown_asset(link: ShareLink, asset_id: UUID) -> Asset:
    """One of the photos that a link is to or, where it shows originals, one that they were made from; raises `Http404`."""
    asset = shown(link).filter(pk=asset_id).first()
    if asset is None and link.original:
        asset = _originals(link).filter(pk=asset_id).first()
    return found(asset)


def count_view(request: HttpRequest, link: ShareLink) -> None:
    """Somebody has opened a link; its owner and admins do not count."""
    owner = link.owner
    if request.method == "GET" and not is_admin(request) and (owner is None or owner_of(request) != owner):
        ShareLink.objects.filter(pk=link.pk).update(views=F("views") + 1)


def count_zip(link: ShareLink) -> None:
    """An archive is about to be sent; raises `Refused` (429) where that were too many within an hour."""
    now = timezone.now()
    this_link = ShareLink.objects.filter(pk=link.pk)
    if this_link.filter(zips_since__lt=now - ZIP_SPAN).update(zips=1, zips_since=now):
        return
    if not this_link.filter(zips__lt=MOST_ZIPS).update(zips=F("zips") + 1):
        raise Refused(TOO_MANY_ZIPS(count=MOST_ZIPS), status=429, retry_after=int(ZIP_SPAN.total_seconds()))


def live_links(what: Shareable) -> QuerySet[ShareLink]:
    """Links to something that are neither expired nor revoked, the newest first."""
    return live(ShareLink.objects.filter(**{_field(what): what}))


def live_links_of(owner: Owner) -> QuerySet[ShareLink]:
    """The same to all that is an owner's."""
    return live(ShareLink.objects.filter(given_by(owner)))


def live(links: QuerySet[ShareLink]) -> QuerySet[ShareLink]:
    return links.filter(revoked_at=None).exclude(expires_at__lte=timezone.now()).order_by("-id")


def revoke(links: QuerySet[ShareLink]) -> int:
    """Make links dead at once; returns how many were alive."""
    return links.filter(revoked_at=None).update(revoked_at=timezone.now())


def _originals(link: ShareLink) -> AssetQuerySet:
    """What the photos of a link were made from."""
    at_hand = Asset.objects.at_hand()
    if link.job_id:
        return at_hand.filter(uses__job=link.job_id)
    return at_hand.filter(versions__in=shown(link).order_by().values("pk"))


def _field(what: Shareable) -> str:
    return {Job: "job", Asset: "asset", Album: "album"}[type(what)]


def _is_ready(what: Shareable) -> bool:
    if isinstance(what, Job):
        return what.status == Job.Status.SUCCEEDED
    return isinstance(what, Album) or what.trashed_at is None
