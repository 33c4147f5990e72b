"""What a browser made before its user logged in."""

import uuid
from typing import TYPE_CHECKING

from django.http import HttpRequest

from jobs.access.identity import SESSION_OWNER, owner_of_user
from jobs.models import Owner
from jobs.queue import adoption

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def take_along(request: HttpRequest, user: "User") -> None:
    """What the browser's session made before its user logged in belongs to them from now on."""
    visitor = request.session.pop(SESSION_OWNER, None)
    found = Owner.objects.filter(pk=uuid.UUID(visitor), user=None).first() if visitor else None
    if found:
        adoption.adopt(found, owner_of_user(user))
    if hasattr(request, "_latent_owner"):
        del request._latent_owner
