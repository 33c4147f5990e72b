"""A member's program is told what has ended: signed, at least once, and by nobody else."""

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import standardwebhooks.webhooks
from django.utils import timezone
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from jobs.errors import Refused
from jobs.library import retention
from jobs.models import Delivery, Job, JobEvent
from jobs.notify import deliveries, outbox, posting, webhooks
from jobs.queue import deletion, lifecycle
from tests.conftest import Person
from tests.jobs.notify.conftest import make_due, tell, undelivered
from tests.jobs.notify.receiver import Receiver
from tests.support import submit, wait_for

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("may_be_private")]


def test_a_program_is_told_that_a_job_has_ended_and_the_signature_is_good(
    alice: Person, receiver: Receiver, done: Callable[..., Job]
) -> None:
    webhook = webhooks.make(alice.owner, receiver.url)
    job = done(alice.owner)
    tell()
    (sent,) = receiver.got
    said = Verifier(webhook.secret).verify(sent.body, sent.headers)
    assert said["type"] == "job.succeeded"
    assert said["data"] == {
        "job": str(job.uuid), "batch": None, "operation": "instant", "status": "succeeded", "attempt": 1, "error": None
    }  # fmt: skip
    assert datetime.fromisoformat(said["timestamp"]).tzinfo
    (delivery,) = Delivery.objects.all()
    assert sent.headers["webhook-id"] == str(delivery.id)
    assert (delivery.answered, delivery.tries, delivery.next_try_at) == (200, 1, None)
    assert delivery.delivered_at
    tell()
    assert len(receiver.got) == 1


def test_a_replay_is_refused(
    alice: Person, receiver: Receiver, done: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that was given a new time, another id or another body."""
    verifier = Verifier(webhooks.make(alice.owner, receiver.url).secret)
    done(alice.owner)
    tell()
    (sent,) = receiver.got
    now = int(sent.headers["webhook-timestamp"])
    for header, value in (("webhook-timestamp", str(now + 1)), ("webhook-id", "another")):
        with pytest.raises(WebhookVerificationError, match="No matching signature"):
            verifier.verify(sent.body, {**sent.headers, header: value})
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        verifier.verify(sent.body.replace(b"succeeded", b"cancelled"), sent.headers)

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(minutes=6)

    monkeypatch.setattr(standardwebhooks.webhooks, "datetime", Later)
    with pytest.raises(WebhookVerificationError, match="too old"):
        verifier.verify(sent.body, sent.headers)


def test_nobody_else_is_told_and_nothing_but_ends(
    alice: Person, charlie: Person, receiver: Receiver, done: Any, failed: Any
) -> None:
    webhooks.make(alice.owner, receiver.url)
    done(charlie.owner)
    failed(alice.owner)
    lifecycle.cancel(submit(alice.owner))
    submit(alice.owner)
    done(None)
    tell()
    assert sorted(json.loads(sent.body)["type"] for sent in receiver.got) == ["job.cancelled", "job.failed"]
    assert undelivered() == 0


def test_an_event_without_a_job_is_told_by_its_own_name(alice: Person, receiver: Receiver) -> None:
    webhooks.make(alice.owner, receiver.url)
    snapshot = {"type": "batch.ended", "owner": str(alice.owner.pk), "batch": "b1", "succeeded": 3}
    JobEvent.objects.create(status=Job.Status.SUCCEEDED, attempt=0, snapshot=snapshot)
    tell()
    said = json.loads(receiver.got[0].body)
    assert (said["type"], said["data"]) == ("batch.ended", {"batch": "b1", "succeeded": 3})


def test_what_ended_is_told_although_the_job_is_gone(alice: Person, receiver: Receiver, done: Any) -> None:
    webhooks.make(alice.owner, receiver.url)
    job = done(alice.owner)
    deletion.delete(job)
    tell()
    assert json.loads(receiver.got[0].body)["data"]["job"] == str(job.uuid)


def test_what_a_visitor_began_is_told_to_the_member_that_they_became(
    alice: Person, visitor: Any, receiver: Receiver, stored: Any
) -> None:
    from jobs.queue import adoption

    webhooks.make(alice.owner, receiver.url)
    submit(visitor)
    claim = lifecycle.claim("cpu")
    assert claim
    adoption.adopt(visitor, alice.owner)
    lifecycle.finish(claim, stored(claim))
    tell()
    assert len(receiver.got) == 1


def test_an_event_waits_until_its_deliveries_are_rows(
    alice: Person, receiver: Receiver, done: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhooks.make(alice.owner, receiver.url)
    done(alice.owner)
    with monkeypatch.context() as dies:
        dies.setattr(outbox, "Now", lambda: 1 / 0)  # after the rows, before the commit
        with pytest.raises(ZeroDivisionError):
            outbox.hand_over()
    assert (Delivery.objects.count(), undelivered()) == (0, 3)
    tell()
    assert len(receiver.got) == 1


def test_a_try_whose_process_died_is_made_again(
    alice: Person, receiver: Receiver, done: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhooks.make(alice.owner, receiver.url)
    done(alice.owner)
    with monkeypatch.context() as dies:
        dies.setattr(webhooks, "send", lambda _delivery: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            tell()
    tell()
    assert receiver.got == [], "the other process may be at it"
    make_due()
    tell()
    assert len(receiver.got) == 1


def test_a_receiver_that_was_away_is_told_after_its_return(
    alice: Person, receiver: Receiver, done: Any
) -> None:
    webhooks.make(alice.owner, receiver.url)
    receiver.kill()
    first, second = done(alice.owner), done(alice.owner)
    tell()
    tried, waits = Delivery.objects.order_by("-tries")
    assert (tried.tries, waits.tries) == (1, 0), "who is away for one is away for the others"
    assert tried.error["code"] == "no_answer"
    assert tried.next_try_at == waits.next_try_at
    receiver.start()
    tell()
    assert receiver.got == []
    make_due()
    tell()
    told = {json.loads(sent.body)["data"]["job"] for sent in receiver.got}
    assert told == {str(first.uuid), str(second.uuid)}


def test_one_that_is_refused_does_not_hold_up_the_others(
    alice: Person, receiver: Receiver, done: Any
) -> None:
    webhooks.make(alice.owner, receiver.url)
    receiver.status = 500
    done(alice.owner), done(alice.owner)
    tell()
    assert len(receiver.got) == 2
    assert {(each.tries, each.answered, each.error["code"]) for each in Delivery.objects.all()} == {
        (1, 500, "wrong_answer")
    }


def test_pauses_grow_and_end_after_a_day_and_it_can_be_sent_again(
    alice: Person, receiver: Receiver, done: Any
) -> None:
    webhooks.make(alice.owner, receiver.url)
    receiver.status = 503
    done(alice.owner)
    pauses = []
    tell()
    delivery = Delivery.objects.get()
    while delivery.next_try_at:
        pauses.append(delivery.next_try_at - timezone.now())
        asked_at = delivery.asked_at - pauses[-1]  # so much later is it then
        Delivery.objects.update(asked_at=asked_at)
        make_due()
        tell()
        delivery.refresh_from_db()
    assert [round(pause.total_seconds()) for pause in pauses[:4]] == [5, 20, 80, 320]
    assert max(pauses) <= timedelta(hours=6)
    assert timedelta(hours=17) < sum(pauses, timedelta()) <= timedelta(days=1)
    assert len(receiver.got) == len(pauses) + 1
    make_due()
    tell()
    assert len(receiver.got) == len(pauses) + 1
    receiver.status = 204
    webhooks.send_again(delivery)
    tell()
    delivery.refresh_from_db()
    assert (delivery.answered, delivery.tries, delivery.reason) == (204, 1, "")
    assert {sent.headers["webhook-id"] for sent in receiver.got} == {str(delivery.id)}
    with pytest.raises(Refused, match="a moment ago"):
        webhooks.send_again(delivery)


def test_one_that_rests_is_told_nothing(alice: Person, receiver: Receiver, done: Any) -> None:
    webhook = webhooks.make(alice.owner, receiver.url)
    done(alice.owner)
    outbox.hand_over()
    webhooks.change(webhook, enabled=False)
    done(alice.owner)
    tell()
    assert receiver.got == []
    webhooks.change(webhook, enabled=True)
    tell()
    assert len(receiver.got) == 1, "what ended while it rested is not told"


def test_a_redirect_is_not_followed(alice: Person, start_receiver: Callable[..., Receiver]) -> None:
    inside = start_receiver()
    outside = start_receiver(status=307, headers={"Location": inside.url})
    webhooks.test(webhooks.make(alice.owner, outside.url))
    tell()
    assert (len(outside.got), inside.got) == (1, [])
    delivery = Delivery.objects.get()
    assert (delivery.answered, delivery.error["code"]) == (307, "redirected")


@pytest.mark.django_db(transaction=True)
def test_a_receiver_that_hangs_holds_up_nobody(
    alice: Person, charlie: Person, start_receiver: Callable[..., Receiver]
) -> None:
    over = threading.Event()
    hangs = start_receiver(answers=lambda _request: over.wait(30))
    prompt = start_receiver()
    deliverer = deliveries.Deliverer()
    webhooks.test(webhooks.make(alice.owner, hangs.url))
    deliverer.look()
    wait_for(lambda: hangs.got)
    webhooks.test(webhooks.make(charlie.owner, prompt.url))
    deliverer.look()
    wait_for(lambda: prompt.got)
    deliverer.look()
    assert len(hangs.got) == 1
    over.set()
    wait_for(lambda: Delivery.objects.filter(error__isnull=False).exists())
    deliverer.end()


def test_a_byte_now_and_then_does_not_keep_a_connection(
    alice: Person, start_receiver: Callable[..., Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()

    def drip(request: Any) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not over.wait(0.05):
            request.wfile.write(b"x")

    monkeypatch.setattr(posting, "MOST_SECONDS", 0.5)
    webhooks.test(webhooks.make(alice.owner, start_receiver(answers=drip).url))
    tell()
    over.set()
    assert Delivery.objects.get().error["code"] == "too_slow"


def test_an_answer_without_end_is_not_read(alice: Person, start_receiver: Callable[..., Receiver]) -> None:
    def flood(request: Any) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X-More: 1\r\n" * 100_000)

    webhooks.test(webhooks.make(alice.owner, start_receiver(answers=flood).url))
    tell()
    assert Delivery.objects.get().error["code"] == "no_answer"


def test_a_member_has_so_many_webhooks_and_a_visitor_none(
    alice: Person, visitor: Any, receiver: Receiver, settings: Any
) -> None:
    settings.LATENT = settings.LATENT.model_copy(update={"member_webhooks": 1})
    webhook = webhooks.make(alice.owner, receiver.url)
    with pytest.raises(Refused, match="You may have 1 webhooks"):
        webhooks.make(alice.owner, receiver.url)
    with pytest.raises(Refused, match="for members"):
        webhooks.make(visitor, receiver.url)
    webhooks.test(webhook)
    with pytest.raises(Refused, match="a moment ago"):
        webhooks.test(webhook)


def test_the_log_is_kept_as_long_as_jobs_are(alice: Person, receiver: Receiver) -> None:
    webhooks.test(webhooks.make(alice.owner, receiver.url))
    retention.clean()
    assert Delivery.objects.count() == 1
    Delivery.objects.update(created_at=timezone.now() - timedelta(days=31))
    retention.clean()
    assert Delivery.objects.count() == 0
