"""Who else may see a result."""

import secrets

from django.db import models
from django.utils.translation import gettext_lazy as _

from jobs.models.job import Job


class ShareLink(models.Model):
    """Lets whoever has its token see a job's result until it expires or is revoked."""

    token = models.CharField(max_length=43, unique=True, default=secrets.token_urlsafe)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="shares")
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

    class Meta:
        verbose_name = _("share link")

    def __str__(self) -> str:
        return f"share of {self.job}"
