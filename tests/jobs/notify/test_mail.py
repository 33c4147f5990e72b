"""A member is told by mail, once they have shown that the address is theirs, and never by many mails at once."""

import re
import smtplib
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import mail as outgoing
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils import timezone

from jobs.models import Delivery, Owner
from jobs.notify import mail, outbox
from tests.conftest import Person
from tests.jobs.notify.conftest import make_due, tell

pytestmark = pytest.mark.django_db
SITE = "https://photos.example"


@pytest.fixture(autouse=True)
def _sends_mail(settings: Any) -> None:
    settings.EMAIL_HOST, settings.DEFAULT_FROM_EMAIL = "mail.example", "latent@photos.example"
    settings.LATENT = settings.LATENT.model_copy(update={"site_url": SITE})


def told_at(owner: Owner, address: str = "alice@home.example") -> None:
    Owner.objects.filter(pk=owner.pk).update(mail=address)


def link_in(text: str) -> str:
    found = re.search(rf"{SITE}(\S+)", text)
    assert found
    return found[1]


def test_an_address_is_told_only_after_its_reader_has_agreed(
    alice: Person, charlie: Person, done: Any
) -> None:
    answer = alice.client.post("/account/mail", {"address": "alice@home.example"})
    assert "A mail to alice@home.example is on its way" in answer.content.decode()
    done(alice.owner)
    tell()
    (letter,) = outgoing.outbox
    assert letter.to == ["alice@home.example"]
    link = link_in(letter.body)
    assert alice.client.get(link).status_code == 200
    alice.owner.refresh_from_db()
    assert alice.owner.mail == "", "opening the link is not enough"
    key = parse_qs(urlsplit(link).query)["key"][0]
    assert charlie.client.post(urlsplit(link).path, {"key": key}).status_code == 422
    assert alice.client.post(urlsplit(link).path, {"key": f"{key}x"}).status_code == 422
    assert alice.client.post(urlsplit(link).path, {"key": key})["Location"] == "/account/mail"
    job = done(alice.owner)
    tell()
    letter = outgoing.outbox[-1]
    assert letter.to == ["alice@home.example"]
    assert link_in(letter.body) == reverse("job", args=[job.uuid])
    assert "Instant: succeeded" in letter.body


def test_many_ends_are_one_mail_and_the_next_comes_later(alice: Person, done: Any, failed: Any) -> None:
    told_at(alice.owner)
    done(alice.owner), failed(alice.owner)
    tell()
    done(alice.owner), done(alice.owner)
    tell()
    done(alice.owner)
    tell()
    assert [letter.subject for letter in outgoing.outbox] == ["2 jobs of yours have ended"]
    waiting = Delivery.objects.get(next_try_at__isnull=False)
    assert waiting.next_try_at
    assert waiting.next_try_at > timezone.now() + mail.QUIET / 2
    make_due()
    tell()
    assert outgoing.outbox[-1].subject == "3 jobs of yours have ended"


def test_no_mail_without_an_address_and_none_after_no_more(alice: Person, done: Any) -> None:
    done(alice.owner)
    tell()
    told_at(alice.owner)
    done(alice.owner)

    outbox.hand_over()
    alice.client.post("/account/mail", {})
    tell()
    assert outgoing.outbox == []


def test_few_mails_are_sent_to_make_sure(alice: Person) -> None:
    for _number in range(mail.MOST_TO_MAKE_SURE):
        assert alice.client.post("/account/mail", {"address": "victim@home.example"}).status_code == 200
    assert alice.client.post("/account/mail", {"address": "victim@home.example"}).status_code == 429
    Delivery.objects.update(created_at=timezone.now() - timedelta(hours=2))
    assert alice.client.post("/account/mail", {"address": "no address"}).status_code == 422
    assert alice.client.post("/account/mail", {"address": "a@home.example"}).status_code == 200


def test_a_site_without_a_mail_server_offers_none(alice: Person, settings: Any) -> None:
    assert 'href="/account/mail"' in alice.client.get("/account/").content.decode()
    settings.EMAIL_HOST = ""
    assert 'href="/account/mail"' not in alice.client.get("/account/").content.decode()
    assert alice.client.post("/account/mail", {"address": "a@home.example"}).status_code == 409


def test_one_address_that_is_refused_does_not_hold_up_the_others(
    alice: Person, charlie: Person, done: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_at(alice.owner, "gone@home.example"), told_at(charlie.owner, "charlie@home.example")
    sent: list[str] = []

    def send(letter: EmailMessage) -> int:
        if letter.to == ["gone@home.example"]:
            raise smtplib.SMTPRecipientsRefused({"gone@home.example": (550, b"nobody here")})
        sent.extend(letter.to)
        return 1

    monkeypatch.setattr(EmailMessage, "send", send)
    done(alice.owner), done(charlie.owner)
    tell()
    assert sent == ["charlie@home.example"]
    refused = Delivery.objects.get(owner=alice.owner)
    assert (refused.answered, refused.reason) == (550, "The mail server did not take it: nobody here.")


def test_a_mail_server_that_is_away_is_tried_again(
    alice: Person, done: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_at(alice.owner)
    done(alice.owner)
    with monkeypatch.context() as away:
        away.setattr(
            EmailMessage, "send", lambda _letter: (_ for _ in ()).throw(ConnectionRefusedError("no"))
        )
        tell()
    assert Delivery.objects.get().error["code"] == "mail_refused"
    make_due()
    tell()
    assert len(outgoing.outbox) == 1
