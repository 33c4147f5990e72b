"""Whom things belong to, and the keys of their programs."""

import hashlib
import secrets
import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Carried(models.TextChoices):
    """What of the facts of a photo is written into a file that its owner downloads."""

    ALL = "all", _("All that is known")
    NO_PLACE = "no-place", _("All but the place")
    NOTHING = "nothing", _("Nothing")


class Owner(models.Model):
    """Whom photos and jobs belong to: a member, or a visitor by a UUID kept in the browser's session."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="owner"
    )
    address = models.CharField(
        _("address"), max_length=64, blank=True, help_text=_("Where a visitor came from.")
    )
    mail = models.EmailField(
        blank=True,
        help_text=_("Where a member is told of what has ended; they have shown that it is theirs."),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    keeps_place = models.BooleanField(
        _("keep where photos were taken"),
        default=False,
        help_text=_(
            "Of photos that are sent from now on. Otherwise a place is forgotten as the photo comes in."
        ),
    )
    carried = models.CharField(
        _("what downloads say of a photo"),
        max_length=8,
        choices=Carried.choices,
        default=Carried.NO_PLACE,
        help_text=_("Date, camera, exposure, resolution, author. What a link shows never says any of it."),
    )

    class Meta:
        verbose_name = _("owner")
        indexes = [models.Index(fields=["address"], name="owner_address")]

    def __str__(self) -> str:
        return self.user.get_username() if self.user else f"visitor {str(self.id)[:8]}"

    @property
    def fair_share_key(self) -> str:
        """Who is served in turn: each member, and visitors of one address together."""
        return f"address:{self.address}" if self.user_id is None and self.address else f"owner:{self.id}"


class ApiToken(models.Model):
    """A member's key for programs. Only its digest is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80, blank=True)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("API token")

    def __str__(self) -> str:
        return f"{self.name or 'token'} of {self.user}"

    @classmethod
    def issue(cls, user: Any, name: str = "") -> str:
        """A new token, to be shown once."""
        secret = f"latent_{secrets.token_urlsafe(32)}"
        cls.objects.create(user=user, name=name, digest=cls.digest_of(secret))
        return secret

    @staticmethod
    def digest_of(secret: str) -> str:
        return hashlib.sha256(secret.encode()).hexdigest()
