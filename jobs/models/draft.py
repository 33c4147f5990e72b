"""What is being put together on a page."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from jobs.models.owner import Owner


class Draft(models.Model):
    """The photos that came in together, until somebody has chosen what should happen to them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(Owner, on_delete=models.CASCADE, related_name="drafts")
    photos = models.JSONField(help_text=_("Their ids, in the order in which they came."))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("draft")
        indexes = [models.Index(fields=["created_at"], name="draft_created")]

    def __str__(self) -> str:
        return f"{len(self.photos)} photos of {self.owner}"
