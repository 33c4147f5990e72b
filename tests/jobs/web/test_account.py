"""Accounts: visitors become members, members change and go."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from jobs.models import ApiToken, Asset, FairShare, Job, Owner
from jobs.queue import adoption, lifecycle
from tests.conftest import Person
from tests.jobs.web.pages import finished, page, uploaded
from tests.support import submit_one

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


def test_signing_up_takes_photos_and_jobs_along_and_the_counters_stay_true(
    client: Client, counters_true: Callable[[], None]
) -> None:
    photo = uploaded(client)
    visitor = Owner.objects.get()
    for _ in range(3):
        client.post("/new/nap", {"slot-photo": photo})
    response = client.post(
        "/signup", {"username": "dora", "password1": "korn-blume-7", "password2": "korn-blume-7"}
    )
    assert response["Location"] == "/library/"
    member = Owner.objects.get(user__username="dora")
    assert set(Job.objects.values_list("owner", flat=True)) == {member.pk}
    assert Asset.objects.get().owner == member
    assert not Owner.objects.filter(pk=visitor.pk).exists()
    assert FairShare.objects.get(key=member.fair_share_key).waiting == 3
    counters_true()
    assert len(client.get("/library/jobs").context["tiles"]) == 3
    claim = lifecycle.claim("cpu")
    assert claim
    assert claim.job.owner == member
    counters_true()


def test_logging_in_takes_jobs_along_and_logging_out_leaves_them(client: Client, alice: Person) -> None:
    client.post("/new/nap", {})
    response = client.post("/login", {"username": "alice", "password": "alice", "next": ""})
    assert response["Location"] == "/library/"
    assert Job.objects.get().owner == alice.owner
    client.post("/logout")
    assert client.get("/library/jobs").context["tiles"] == []


def test_a_job_that_is_cancelled_while_it_changes_hands_is_counted_out_where_it_waits(
    visitor: Owner, alice: Person, counters_true: Callable[[], None]
) -> None:
    stale = submit_one(visitor, "nap", {}, {})
    adoption.adopt(visitor, alice.owner)
    lifecycle.cancel(stale)
    counters_true()


def test_logging_in_leads_back_to_this_site_only(alice: Person, client: Client) -> None:
    sent = {"username": "alice", "password": "alice", "next": "https://evil.example/"}
    assert client.post("/login", sent)["Location"] == "/library/"


def test_the_password_can_be_changed(alice: Person) -> None:
    sent = {"old_password": "alice", "new_password1": "korn-blume-7", "new_password2": "korn-blume-7"}
    assert alice.client.post("/account/password", sent)["Location"] == "/account/"
    assert alice.client.get("/account/").status_code == 200
    assert User.objects.get(username="alice").check_password("korn-blume-7")


def test_deleting_an_account_takes_everything_along(
    alice: Person, charlie: Person, media: Callable[[], set[str]]
) -> None:
    theirs = finished(charlie.owner)
    before = media()
    finished(alice.owner)
    uploaded(alice.client)
    submit_one(alice.owner, "nap", {}, {})
    assert alice.client.post("/account/delete", {"password": "wrong"}).status_code == 422
    assert alice.client.post("/account/delete", {"password": "alice"})["Location"] == "/"
    assert not User.objects.filter(username="alice").exists()
    assert list(Job.objects.all()) == [theirs]
    assert list(Asset.objects.all()) == list(theirs.outputs.all())
    assert media() == before
    assert alice.client.get("/account/").status_code == 302


def test_a_token_is_shown_once_works_and_can_be_revoked(
    alice: Person, charlie: Person, client: Client
) -> None:
    made = page(alice.client.post("/account/tokens", {"name": "script"}))
    found = re.search(r"latent_[\w-]+", made)
    assert found
    assert found[0] not in page(alice.client.get("/account/tokens"))
    bearer = {"Authorization": f"Bearer {found[0]}"}
    assert client.get("/api/v1/jobs", headers=bearer).status_code == 200
    revoke = reverse("token-revoke", args=[ApiToken.objects.get().pk])
    charlie.client.post(revoke)
    assert ApiToken.objects.exists()
    alice.client.post(revoke)
    assert client.get("/api/v1/jobs", headers=bearer).status_code == 401


@pytest.mark.parametrize("address", ["/account/", "/account/tokens", "/account/password", "/account/delete"])
def test_account_pages_ask_who_you_are(client: Client, address: str) -> None:
    assert client.get(address)["Location"] == f"/login?next={address}"
