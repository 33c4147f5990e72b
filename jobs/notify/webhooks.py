"""The webhooks of a member: set up, changed, tried, and signed as Standard Webhooks has it."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone
from standardwebhooks.webhooks import Webhook as Signer

from jobs.errors import Refused
from jobs.messages import BAD_WEBHOOK_URL, JUST_SENT, MEMBERS_ONLY, TOO_MANY_WEBHOOKS
from jobs.models import Delivery, Owner, Webhook
from jobs.notify import addresses, posting
from jobs.notify.undelivered import Undelivered

AGAIN_SECONDS = 10
LOOK_UP_SECONDS = 3.0
LONGEST_URL = 500
TEST = "test"

_looking_up = ThreadPoolExecutor(2, thread_name_prefix="look-up")


def make(owner: Owner, url: str) -> Webhook:
    """A webhook of a member; raises `Refused`."""
    if owner.user_id is None:
        raise Refused(MEMBERS_ONLY, status=403)
    if owner.webhooks.count() >= settings.LATENT.member_webhooks:
        raise Refused(TOO_MANY_WEBHOOKS(count=settings.LATENT.member_webhooks), status=409)
    _check(url)
    return Webhook.objects.create(owner=owner, url=url)


def change(webhook: Webhook, *, url: str | None = None, enabled: bool | None = None) -> None:
    """Lead it elsewhere, let it rest or wake it; raises `Refused`."""
    if url is not None:
        _check(url)
        webhook.url = url
    if enabled is not None:
        webhook.enabled = enabled
    webhook.save(update_fields=["url", "enabled"])


def test(webhook: Webhook) -> Delivery:
    """A delivery that says only that it is a test; raises `Refused` where one was just sent."""
    last = webhook.deliveries.filter(type=TEST).first()
    _check_pause(last)
    payload = {"type": TEST, "timestamp": timezone.now().isoformat(), "data": {}}
    return Delivery.objects.create(owner=webhook.owner, webhook=webhook, type=TEST, payload=payload)


def send_again(delivery: Delivery) -> None:
    """Try it anew, for another day, whatever became of it; raises `Refused` where that was just asked for."""
    _check_pause(delivery)
    Delivery.objects.filter(pk=delivery.pk).update(
        asked_at=Now(), next_try_at=Now(), tries=0, delivered_at=None, answered=None, error=None
    )


def send(delivery: Delivery) -> int:
    """The status of the receiver's answer; raises `Undelivered`. A receiver knows a repeated delivery by its id."""
    assert delivery.webhook
    body = json.dumps(delivery.payload, separators=(",", ":"), ensure_ascii=False)
    now = datetime.now(UTC)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Latent",
        "webhook-id": str(delivery.id),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Signer(delivery.webhook.secret).sign(str(delivery.id), now, body),
    }
    return posting.post(delivery.webhook.url, body.encode(), headers)


def _check_pause(last: Delivery | None) -> None:
    if last and last.asked_at > timezone.now() - timedelta(seconds=AGAIN_SECONDS):
        raise Refused(JUST_SENT(seconds=AGAIN_SECONDS), status=429, retry_after=AGAIN_SECONDS)


def _check(url: str) -> None:
    """Raise `Refused` where it is no address, or one that leads where it may not. It is looked up again at each delivery."""
    try:
        parts = urlsplit(url)
        port = posting.port_of(url)
    except ValueError:
        raise Refused(BAD_WEBHOOK_URL) from None
    well_written = url.isascii() and url.isprintable() and " " not in url and len(url) <= LONGEST_URL
    if not (well_written and parts.scheme in ("http", "https") and parts.hostname) or "@" in parts.netloc:
        raise Refused(BAD_WEBHOOK_URL)
    try:
        _looking_up.submit(addresses.checked, parts.hostname, port).result(LOOK_UP_SECONDS)
    except Undelivered as error:
        raise Refused(error.message) from None
    except TimeoutError:  # a name that is slow to tell must not hold up the site
        return
