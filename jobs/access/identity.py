"""Who asks: a member, a visitor, a program with a token, an admin."""

import hmac
import re
import uuid
from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone

from jobs.errors import Refused
from jobs.messages import BAD_TOKEN
from jobs.models import ApiToken, Asset, Owner
from ml.core.operation import Operation

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SESSION_OWNER = "owner"
USED_EVERY_SECONDS = 60
WITH_PORT = re.compile(r"^\[(.*)\](?::\d+)?$|^([\d.]+):\d+$", re.ASCII)
"""As some proxies write an address."""
HOUSEHOLD_BITS = 64
"""Of an IPv6 address, what a provider hands out; the rest is whoever's it is to choose (RFC 6177)."""


def owner_of(request: HttpRequest) -> Owner | None:
    """The owner that a request speaks for: by Bearer token, as a member, or as a visitor; None for a stranger.

    Raises `Refused` (401) where a token is given that is not good.
    """
    if not hasattr(request, "_latent_owner"):
        request._latent_owner = _find_owner(request)  # type: ignore[attr-defined]
    found: Owner | None = request._latent_owner  # type: ignore[attr-defined]
    return found


def is_owner_of(request: HttpRequest, asset: Asset) -> bool:
    found = owner_of(request)
    return found is not None and asset.owner_id == found.pk


def owner_made_if_needed(request: HttpRequest) -> Owner:
    """The owner that a request speaks for; a stranger becomes a visitor."""
    found = owner_of(request)
    if found is None:
        found = Owner.objects.create(address=address_digest(request))
        request.session[SESSION_OWNER] = str(found.id)
        request._latent_owner = request._latent_newcomer = found  # type: ignore[attr-defined]
    return found


def forget_newcomer(request: HttpRequest) -> None:
    """A visitor of this very request who has nothing here is a stranger again."""
    newcomer: Owner | None = getattr(request, "_latent_newcomer", None)
    if newcomer and not (newcomer.jobs.exists() or newcomer.assets.exists()):
        newcomer.delete()
        request.session.pop(SESSION_OWNER, None)


def may_use(request: HttpRequest, operation: Operation) -> bool:
    """Whether whoever asks may start such a job at all; a stranger will be a visitor."""
    owner = owner_of(request)
    return not operation.members_only or (owner is not None and owner.user_id is not None)


def has_bearer(request: HttpRequest) -> bool:
    return request.headers.get("Authorization", "").lower().startswith("bearer ")


def is_admin(request: HttpRequest) -> bool:
    """Whether staff is logged in. A token never speaks for an admin."""
    return not has_bearer(request) and bool(request.user.is_staff and request.user.is_active)


def owner_of_user(user: "User") -> Owner:
    return Owner.objects.select_related("user").get_or_create(user=user)[0]


def _find_owner(request: HttpRequest) -> Owner | None:
    if has_bearer(request):
        return owner_of_user(_user_of_token(request.headers["Authorization"][7:].strip()))
    if not isinstance(request.user, AnonymousUser):
        return owner_of_user(request.user)
    visitor = request.session.get(SESSION_OWNER)
    return Owner.objects.filter(pk=uuid.UUID(visitor), user=None).first() if visitor else None


def _user_of_token(secret: str) -> "User":
    token = ApiToken.objects.select_related("user").filter(digest=ApiToken.digest_of(secret)).first()
    if token is None or not token.user.is_active:
        raise Refused(BAD_TOKEN, status=401)
    now = timezone.now()
    if token.last_used_at is None or (now - token.last_used_at).total_seconds() > USED_EVERY_SECONDS:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token.user


def client_address(request: HttpRequest) -> str:
    """The IP address that a request comes from; of IPv6 the network, whose addresses are all one household's."""
    address: str = request.META.get("REMOTE_ADDR", "")
    if settings.LATENT.behind_proxy:
        address = request.headers.get("X-Forwarded-For", address).split(",")[-1].strip()
    return counted_as(address)


def counted_as(address: str) -> str:
    """An address without its port; of IPv6 the network."""
    try:
        found = ip_address(WITH_PORT.sub(r"\1\2", address).partition("%")[0])
    except ValueError:
        return address  # of a socket, which has none
    if isinstance(found, IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(IPv6Network((found, HOUSEHOLD_BITS), strict=False).network_address)


def address_digest(request: HttpRequest) -> str:
    """A keyed digest of an address: enough to share a turn and limits by, and no more."""
    address = client_address(request).encode()
    return hmac.new(settings.SECRET_KEY.encode(), address, "sha256").hexdigest()[:32]
