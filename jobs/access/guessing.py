"""What slows down whoever guesses passwords, or signs up again and again."""

import unicodedata
from typing import TYPE_CHECKING, Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_login_failed
from django.db.models import Sum
from django.http import HttpRequest

from jobs.errors import Refused
from jobs.messages import TOO_MANY_ATTEMPTS

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PAIR_LIMIT = 10
"""Wrong passwords for one name from one address."""
ADDRESS_LIMIT = 30
"""Wrong passwords from one address, whatever the names: a household mistypes less."""


class Handler(AxesDatabaseHandler):  # type: ignore[misc]
    """Counts for an address what was wrong for all names together, too.

    As a parameter of axes it would have the limit of a pair, and whoever logs in once would start anew.
    """

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        of_pair: int = super().get_failures(request, credentials)
        recent = AccessAttempt.objects.filter(
            ip_address=request.axes_ip_address,  # type: ignore[attr-defined]
            attempt_time__gte=get_cool_off_threshold(request),
        )
        of_address: int = recent.aggregate(sum=Sum("failures_since_start", default=0))["sum"]
        return max(of_pair, of_address * PAIR_LIMIT // ADDRESS_LIMIT)


def name_counted(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str | None:
    """The name by which wrong passwords are counted, however it is written."""
    name = (credentials or request.POST).get("username")
    return None if name is None else _folded(_folded(str(name))).strip()


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def check(request: HttpRequest, what: str) -> None:
    """Raise `Refused` where too much was guessed: this by this address, or anything by it."""
    if not AxesProxyHandler.is_allowed(request, {"username": what}):
        raise too_many()


def too_many() -> Refused:
    """What is said to whoever guessed wrong too often."""
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    return Refused(TOO_MANY_ATTEMPTS(minutes=seconds // 60), status=429, retry_after=seconds)


def count_wrong(request: HttpRequest, what: str) -> None:
    """Count a wrong guess as one at the login is counted."""
    user_login_failed.send(sender=__name__, credentials={"username": what}, request=request)


def is_password_of(request: HttpRequest, user: "User", password: str) -> bool:
    """Whether this is the user's password; a wrong one counts as one at the login does."""
    return authenticate(request, username=user.get_username(), password=password) == user
