"""Links by which anybody sees a result, until they expire or are revoked."""

from datetime import timedelta

from django.contrib.auth.hashers import check_password, make_password
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from jobs.access import guessing
from jobs.access.signing import is_signed
from jobs.access.visibility import found
from jobs.errors import Refused
from jobs.messages import NOTHING_TO_SHARE, WRONG_LINK_PASSWORD
from jobs.models import Job, Owner, ShareLink

OPENED = "opened_links"
"""In the session: by link, what proves that its password was given."""


def live_share(token: str) -> ShareLink:
    """A link that is neither expired nor revoked; raises `Http404`."""
    return found(_live(ShareLink.objects.select_related("job").filter(token=token)).first())


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
    job: Job,
    *,
    expires_in: timedelta | None,
    original: bool = True,
    recipe: bool = False,
    download: bool = True,
    password: str = "",
) -> ShareLink:
    """A link by which anybody sees the result; without `expires_in` it lives as long as the job."""
    if job.status != Job.Status.SUCCEEDED:
        raise Refused(NOTHING_TO_SHARE, status=409)
    return ShareLink.objects.create(
        job=job,
        original=original,
        recipe=recipe,
        download=download,
        password=make_password(password) if password else "",
        expires_at=timezone.now() + expires_in if expires_in is not None else None,
    )


def live_links(job: Job) -> QuerySet[ShareLink]:
    """Links to a job that are neither expired nor revoked, the newest first."""
    return _live(ShareLink.objects.filter(job=job))


def live_links_of(owner: Owner) -> QuerySet[ShareLink]:
    """The same to all jobs of an owner."""
    return _live(ShareLink.objects.filter(job__owner=owner))


def _live(links: QuerySet[ShareLink]) -> QuerySet[ShareLink]:
    return links.filter(revoked_at=None).exclude(expires_at__lte=timezone.now()).order_by("-id")


def revoke(links: QuerySet[ShareLink]) -> int:
    """Make links dead at once; returns how many were alive."""
    return links.filter(revoked_at=None).update(revoked_at=timezone.now())
