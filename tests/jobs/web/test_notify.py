"""Webhooks and mail, as a member or a member's program sets them up."""

import re
from typing import Any

import pytest
from django.test import Client

from jobs.models import Delivery, Webhook
from tests.conftest import Person
from tests.jobs.web.pages import page

pytestmark = pytest.mark.django_db
URL = "http://127.0.0.1:9/told"


@pytest.fixture(autouse=True)
def _may_be_private(settings: Any) -> None:
    settings.LATENT = settings.LATENT.model_copy(update={"private_webhooks": True})


@pytest.fixture
def program(alice: Person) -> Client:
    return Client(headers={"authorization": f"Bearer {alice.token}"})


def test_the_secret_of_a_webhook_is_told_once(alice: Person, program: Client) -> None:
    answer = program.post("/api/v1/webhooks", {"url": URL}, "application/json")
    assert answer.status_code == 201
    made = answer.json()
    secret = Webhook.objects.get().secret
    assert made["secret"] == secret
    address = f"/api/v1/webhooks/{made['id']}"
    assert program.get(address).json() == {
        name: made[name] for name in ("id", "url", "enabled", "created_at")
    }
    shown = [program.get("/api/v1/webhooks"), program.get(address), alice.client.get("/account/webhooks")]
    shown += [alice.client.get(f"/account/webhooks/{made['id']}")]
    for answer in shown:
        assert answer.status_code == 200
        assert URL in page(answer)
        assert secret not in page(answer)
        assert "whsec_" not in page(answer)


def test_no_two_webhooks_and_no_two_sites_have_the_same_secret(alice: Person, settings: Any) -> None:
    first, second = (Webhook.objects.create(owner=alice.owner, url=URL) for _ in range(2))
    secret = first.secret
    assert secret != second.secret
    settings.SECRET_KEY = "another"
    assert first.secret != secret


def test_a_program_changes_tries_and_deletes_a_webhook(program: Client) -> None:
    made = program.post("/api/v1/webhooks", {"url": URL}, "application/json").json()
    address = f"/api/v1/webhooks/{made['id']}"
    changed = program.patch(address, {"enabled": False, "url": f"{URL}/2"}, "application/json").json()
    assert (changed["enabled"], changed["url"]) == (False, f"{URL}/2")
    assert program.patch(address, {"url": "nowhere"}, "application/json").status_code == 422
    tested = program.post(f"{address}/test")
    assert tested.status_code == 201
    assert program.post(f"{address}/test").status_code == 429
    (told,) = program.get(f"{address}/deliveries").json()
    assert told == tested.json()
    assert (told["type"], told["tries"], told["error"]) == ("test", 0, "")
    again = f"/api/v1/deliveries/{told['id']}/again"
    assert program.post(again)["Retry-After"] == "10"
    assert program.delete(address).status_code == 204
    assert program.post(again).status_code == 404
    assert not Delivery.objects.exists()


def test_a_webhook_that_leads_inside_is_a_problem_in_words(program: Client, settings: Any) -> None:
    settings.LATENT = settings.LATENT.model_copy(update={"private_webhooks": False})
    answer = program.post("/api/v1/webhooks", {"url": "http://169.254.169.254/"}, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (422, "private_address")
    assert answer.json()["detail"].startswith("169.254.169.254 leads to an address of this machine")


def test_a_member_sets_up_tries_and_deletes_a_webhook_on_the_pages(alice: Person) -> None:
    made = page(alice.client.post("/account/webhooks", {"url": URL}))
    assert re.search(r'value="whsec_[\w+/=]+"', made)
    webhook = Webhook.objects.get()
    address = f"/account/webhooks/{webhook.pk}"
    assert alice.client.post(f"{address}/test")["Location"] == address
    log = page(alice.client.get(address))
    assert "about to be sent" in log
    delivery = Delivery.objects.get()
    Delivery.objects.update(error={"code": "wrong_answer", "values": {"status": 500}}, tries=1)
    assert "The answer was 500" in page(alice.client.get(address))
    again = page(alice.client.post(f"/account/deliveries/{delivery.pk}/again", follow=True))
    assert "This was sent a moment ago" in again
    assert "It rests" in page(alice.client.post(f"{address}/switch", follow=True))
    assert "Nothing more is sent there" in page(alice.client.post(f"{address}/delete", follow=True))
    assert not Webhook.objects.exists()


def test_what_is_no_address_is_said_beside_the_field(alice: Person) -> None:
    answer = alice.client.post("/account/webhooks", {"url": "nowhere"})
    assert answer.status_code == 422
    assert "Write the address as https" in page(answer)
    assert 'aria-invalid="true"' in page(answer)
