"""The deliveries that are due, a few receivers at a time: one that hangs holds up neither the others nor the scheduler."""

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

from django.db import DatabaseError, connection
from django.db.models import F, Min, Q
from django.db.models.functions import Now
from django.utils import timezone

from jobs.models import Delivery
from jobs.notify import mail, webhooks
from jobs.notify.undelivered import Undelivered

log = logging.getLogger(__name__)

RECEIVERS_AT_ONCE = 8
IN_A_ROW = 50
"""To one receiver, before it is another's turn."""
HELD = timedelta(minutes=2)
"""Longer than a try takes. Where the process dies meanwhile, it is made again after that."""
PATIENCE = timedelta(days=1)
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=6)

Receiver = UUID | None
"""A webhook, or None for the mail server."""


class Deliverer:
    """Threads, one for each receiver that has something due."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(RECEIVERS_AT_ONCE, thread_name_prefix="deliveries")
        self._busy: dict[Receiver, Future[None]] = {}

    def look(self) -> None:
        """Begin with what is due, as far as there are hands, and return at once."""
        self._busy = {receiver: work for receiver, work in self._busy.items() if not work.done()}
        for receiver in receivers():
            if receiver not in self._busy and len(self._busy) < RECEIVERS_AT_ONCE:
                self._busy[receiver] = self._pool.submit(_in_a_thread, receiver)

    def end(self) -> None:
        """Wait for what is under way."""
        self._pool.shutdown()


def receivers() -> list[Receiver]:
    """Those for whom something is due, the one that waits longest first."""
    waiting = Delivery.objects.filter(_due()).order_by().values_list("webhook")
    return [receiver for receiver, _since in waiting.annotate(since=Min("next_try_at")).order_by("since")]


def work_off(receiver: Receiver) -> None:
    """Deliver what is due, one after another, until the receiver gives no answer."""
    for _number in range(IN_A_ROW):
        delivery = _take(receiver)
        if delivery is None or not _try(delivery):
            return


def _in_a_thread(receiver: Receiver) -> None:
    try:
        work_off(receiver)
    except DatabaseError:
        log.warning("deliveries stop for now: the database is away", exc_info=True)
    except Exception:
        log.exception("deliveries to %s stop for now", receiver or "the mail server")
    finally:
        connection.close()


def _due() -> Q:
    return Q(next_try_at__lte=Now()) & (Q(webhook=None) | Q(webhook__enabled=True))


def _take(receiver: Receiver) -> Delivery | None:
    """One that is due, which nobody else tries meanwhile."""
    while True:
        due = Delivery.objects.filter(_due(), webhook=receiver).select_related("webhook", "owner")
        delivery = due.order_by("next_try_at", "created_at").first()
        if delivery is None:
            return None
        same = Delivery.objects.filter(_due(), pk=delivery.pk, tries=delivery.tries)
        if same.update(tries=F("tries") + 1, next_try_at=Now() + HELD):
            delivery.refresh_from_db(fields=["tries", "payload"])  # a mail that waited may have become longer
            return delivery


def _try(delivery: Delivery) -> bool:
    """Whether there was an answer, be it a refusal."""
    row = Delivery.objects.filter(pk=delivery.pk)
    try:
        answer = _send(delivery)
    except Undelivered as error:
        then = _next_try(delivery)
        row.update(next_try_at=then, answered=error.answer, error=error.message.as_json())
        log.info("delivery %s failed: %s", delivery.id, error.message.code)
        if error.answer is None and then:  # for the others of this receiver it is no better now
            others = Delivery.objects.filter(webhook=delivery.webhook, next_try_at__lt=then)
            others.update(next_try_at=then)
        return error.answer is not None
    row.update(delivered_at=Now(), next_try_at=None, answered=answer, error=None)
    return True


def _send(delivery: Delivery) -> int | None:
    if delivery.webhook:
        return webhooks.send(delivery)
    mail.send(delivery)
    return None


def _next_try(delivery: Delivery) -> datetime | None:
    """Four times as long a pause as before, within a day; None where that is over."""
    pause = min(FIRST_PAUSE * 4 ** min(delivery.tries - 1, 10), LONGEST_PAUSE)
    then = timezone.now() + pause
    return then if then < delivery.asked_at + PATIENCE else None
