"""What is being put together on a page."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from jobs.models.owner import Owner


class Draft(models.Model):
    """Photos that came in together, and the steps chosen for them, until somebody starts them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(Owner, on_delete=models.CASCADE, related_name="drafts")
    photos = models.JSONField(help_text=_("Their ids, in the order in which they came."))
    steps = models.JSONField(default=list, blank=True, help_text=_("Chosen so far, one after the other."))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("draft")
        indexes = [models.Index(fields=["created_at"], name="draft_created")]

    def __str__(self) -> str:
        return f"{len(self.photos)} photos of {self.owner}"
