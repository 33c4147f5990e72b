"""Whom to tell that something has ended, and what became of telling it."""

import base64
import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from jobs.messages import told
from jobs.models.job import JobEvent
from jobs.models.owner import Owner


class Webhook(models.Model):
    """An address of a member's program, which is told when something of theirs has ended."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(Owner, on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=500)
    enabled = models.BooleanField(default=True, help_text=_("While it is not, nothing new is told."))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("webhook")
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"webhook of {self.owner}"

    @property
    def secret(self) -> str:
        """The key by which it is signed, as Standard Webhooks write it. No table holds it: the site's secret makes it anew."""
        key = salted_hmac("jobs.models.webhook", str(self.id), algorithm="sha256").digest()
        return f"whsec_{base64.b64encode(key).decode()}"


class Delivery(models.Model):
    """Something that is to be told, or was: to a webhook, or, where there is none, by mail to its owner."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(Owner, on_delete=models.CASCADE, related_name="deliveries")
    webhook = models.ForeignKey(Webhook, null=True, on_delete=models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(JobEvent, null=True, on_delete=models.SET_NULL, related_name="deliveries")
    type = models.CharField(max_length=64)
    payload = models.JSONField(help_text=_("What is told, the same at each try."))
    created_at = models.DateTimeField(auto_now_add=True)
    asked_at = models.DateTimeField(db_default=Now(), help_text=_("From then on it is tried for a day."))
    next_try_at = models.DateTimeField(
        null=True, db_default=Now(), help_text=_("None where it has been told, or given up.")
    )
    tries = models.PositiveIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True)
    answered = models.PositiveSmallIntegerField(
        null=True, help_text=_("The status by which the receiver answered last.")
    )
    error = models.JSONField(null=True, help_text=_("Why the last try failed: a message."))

    class Meta:
        verbose_name = _("delivery")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["webhook", "next_try_at"],
                condition=Q(next_try_at__isnull=False),
                name="delivery_due",
            ),
            models.Index(fields=["webhook", "-created_at", "-id"], name="delivery_log"),
            models.Index(fields=["owner", "type", "-created_at"], name="delivery_owner"),
            models.Index(fields=["created_at"], name="delivery_created"),
        ]

    def __str__(self) -> str:
        return f"{self.type} for {self.owner}"

    @property
    def reason(self) -> str:
        """Why the last try failed, in the reader's language; empty where it did not."""
        return told(self.error)
