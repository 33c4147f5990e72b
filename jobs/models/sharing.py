"""Who else may see a result, a photo or an album."""

import secrets
from datetime import UTC, datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from jobs.models.album import Album
from jobs.models.asset import Asset
from jobs.models.job import Job
from jobs.models.owner import Owner

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
Shareable = Job | Asset | Album


class ShareLink(models.Model):
    """Lets whoever has its token see what one job made, one photo, or one album, until it expires or is revoked."""

    token = models.CharField(max_length=43, unique=True, default=secrets.token_urlsafe)
    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.CASCADE, related_name="shares")
    asset = models.ForeignKey(Asset, null=True, blank=True, on_delete=models.CASCADE, related_name="shares")
    album = models.ForeignKey(Album, null=True, blank=True, on_delete=models.CASCADE, related_name="shares")
    original = models.BooleanField(_("show the original"), default=True)
    recipe = models.BooleanField(_("show the recipe"), default=False)
    download = models.BooleanField(
        _("may be downloaded"),
        default=True,
        help_text=_("If not, copies for the screen are shown, and no files."),
    )
    password = models.CharField(
        _("password"),
        max_length=128,
        blank=True,
        help_text=_("Hashed, as those of accounts are; empty for none."),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    views = models.PositiveIntegerField(default=0, help_text=_("How often it was opened, but for its owner."))
    zips = models.PositiveIntegerField(default=0, help_text=_("Archives sent since `zips_since`."))
    zips_since = models.DateTimeField(default=NEVER)

    class Meta:
        verbose_name = _("share link")
        constraints = [
            models.CheckConstraint(
                condition=Q(job__isnull=False, asset=None, album=None)
                | Q(job=None, asset__isnull=False, album=None)
                | Q(job=None, asset=None, album__isnull=False),
                name="share_link_of_one",
            )
        ]

    def __str__(self) -> str:
        return f"share of {self.what}"

    @property
    def what(self) -> Shareable:
        """The one thing that it shows."""
        found = self.job or self.asset or self.album
        assert found is not None  # the constraint says so
        return found

    @property
    def owner(self) -> Owner | None:
        """Who gave it away; None for a sample."""
        return self.what.owner
