"""Webhooks: who is told that something has ended, and what became of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pydantic
from django.http import HttpRequest
from ninja import Schema
from ninja.responses import Status as HttpStatus

from jobs.access import identity, visibility
from jobs.errors import Refused
from jobs.messages import MEMBERS_ONLY
from jobs.models import Owner, Webhook
from jobs.notify import webhooks as rules
from jobs.web.api.app import api, auth, refusals

NEWEST = 100


class WebhookIn(Schema):
    model_config = pydantic.ConfigDict(extra="forbid")

    url: str = pydantic.Field(max_length=rules.LONGEST_URL)


class WebhookChange(Schema):
    model_config = pydantic.ConfigDict(extra="forbid")

    url: str | None = pydantic.Field(None, max_length=rules.LONGEST_URL)
    enabled: bool | None = None


class WebhookOut(Schema):
    id: UUID
    url: str
    enabled: bool
    created_at: datetime


class NewWebhookOut(WebhookOut):
    secret: str = pydantic.Field(description="By which you check the signature. It is told this once.")


class DeliveryOut(Schema):
    id: UUID = pydantic.Field(description="The header webhook-id, the same at each try.")
    type: str
    payload: dict[str, Any]
    created_at: datetime
    tries: int
    delivered_at: datetime | None
    next_try_at: datetime | None
    answered: int | None = pydantic.Field(description="The HTTP status of the last answer.")
    error: str = pydantic.Field(alias="reason", description="Why the last try failed.")


@api.get("/webhooks", response={200: list[WebhookOut]} | refusals(), auth=auth)
def webhooks(request: HttpRequest) -> Any:
    """Who is told when your jobs have ended."""
    return _member(request).webhooks.all()


@api.post("/webhooks", response={201: NewWebhookOut} | refusals(409), auth=auth)
def create_webhook(request: HttpRequest, body: WebhookIn) -> Any:
    """Have an address told when a job of yours has ended, as Standard Webhooks (standardwebhooks.com) has it."""
    return HttpStatus(201, rules.make(_member(request), body.url))


@api.get("/webhooks/{webhook_id}", response={200: WebhookOut} | refusals(404), auth=auth)
def webhook(request: HttpRequest, webhook_id: UUID) -> Webhook:
    return visibility.own_webhook(request, webhook_id)


@api.patch("/webhooks/{webhook_id}", response={200: WebhookOut} | refusals(404), auth=auth)
def change_webhook(request: HttpRequest, webhook_id: UUID, body: WebhookChange) -> Webhook:
    """Lead it elsewhere, or let it rest."""
    found = visibility.own_webhook(request, webhook_id)
    rules.change(found, url=body.url, enabled=body.enabled)
    return found


@api.delete("/webhooks/{webhook_id}", response={204: None} | refusals(404), auth=auth)
def delete_webhook(request: HttpRequest, webhook_id: UUID) -> Any:
    """With its log, and what was still to be told."""
    visibility.own_webhook(request, webhook_id).delete()
    return HttpStatus(204, None)


@api.post("/webhooks/{webhook_id}/test", response={201: DeliveryOut} | refusals(404, 429), auth=auth)
def test_webhook(request: HttpRequest, webhook_id: UUID) -> Any:
    """Tell it that this is a test."""
    return HttpStatus(201, rules.test(visibility.own_webhook(request, webhook_id)))


@api.get("/webhooks/{webhook_id}/deliveries", response={200: list[DeliveryOut]} | refusals(404), auth=auth)
def deliveries(request: HttpRequest, webhook_id: UUID) -> Any:
    """What it was told, the newest first, at most a hundred."""
    return visibility.own_webhook(request, webhook_id).deliveries.all()[:NEWEST]


@api.post("/deliveries/{delivery_id}/again", response={200: DeliveryOut} | refusals(404, 429), auth=auth)
def send_again(request: HttpRequest, delivery_id: UUID) -> Any:
    """Tell it once more, with the same id, and try for another day."""
    found = visibility.own_delivery(request, delivery_id)
    rules.send_again(found)
    found.refresh_from_db()
    return found


def _member(request: HttpRequest) -> Owner:
    owner = identity.owner_of(request)
    if owner is None or owner.user_id is None:
        raise Refused(MEMBERS_ONLY, status=403)
    return owner
