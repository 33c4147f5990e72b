"""Recipes that have a name."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from jobs.models.owner import Owner


class Preset(models.Model):
    """The steps of a request under a name; those without an owner are the site's, and everybody's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(Owner, null=True, blank=True, on_delete=models.CASCADE, related_name="presets")
    name = models.CharField(max_length=120)
    summary = models.CharField(max_length=200, blank=True, help_text=_("What it is good for."))
    steps = models.JSONField(help_text=_("Each an operation, its version, its params and its seed."))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("preset")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
