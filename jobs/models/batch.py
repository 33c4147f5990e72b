"""What one request asked for."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from jobs.models.owner import Owner


class Batch(models.Model):
    """The jobs of one request: its steps for each of its photos. How it stands is what its jobs say."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(Owner, on_delete=models.CASCADE, related_name="batches")
    name = models.CharField(max_length=120, blank=True, help_text=_("What its owner called it."))
    photos = models.JSONField(
        default=list, blank=True, help_text=_("The ids of those it was asked for, in their order.")
    )
    steps = models.JSONField(
        help_text=_("Each an operation, its params, its seed, and the ids of what all photos share.")
    )
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True, help_text=_("When the last of its jobs ended."))

    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 (unique among those set)
    idempotency_digest = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = _("batch")
        verbose_name_plural = _("batches")
        constraints = [
            models.UniqueConstraint(fields=["owner", "idempotency_key"], name="batch_idempotency"),
        ]
        indexes = [models.Index(fields=["owner", "-created_at", "-id"], name="batch_owner")]

    def __str__(self) -> str:
        return self.name or str(self.id)[:8]
