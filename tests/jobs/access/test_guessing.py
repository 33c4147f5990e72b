"""Whoever guesses is slowed down at every door; whoever is guessed at is not."""

import re
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.test import Client

from jobs.access import guessing
from jobs.models import ApiToken, Owner
from tests.conftest import Person, person
from tests.support import submit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]

HERE, ELSEWHERE = "203.0.113.5", "203.0.113.6"
NEW = "correct horse 7"


def log_in(name: str, password: str, address: str = HERE) -> int:
    client = Client(REMOTE_ADDR=address)
    return client.post("/login", {"username": name, "password": password}).status_code


def test_one_password_over_many_names_is_slowed_down(alice: Person) -> None:
    answers = [log_in(f"somebody{number}", "summer2026") for number in range(40)]
    assert answers == [200] * (guessing.ADDRESS_LIMIT - 1) + [429] * (41 - guessing.ADDRESS_LIMIT)
    assert log_in("alice", "alice") == 429
    assert log_in("alice", "alice", ELSEWHERE) == 302


@pytest.mark.slow
def test_a_login_of_ones_own_does_not_make_an_address_new(alice: Person, charlie: Person) -> None:
    for number in range(guessing.ADDRESS_LIMIT):
        log_in(f"somebody{number}", "summer2026")
        if number % 5 == 0:
            log_in("charlie", "charlie")
    assert log_in("alice", "alice") == 429


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", ["ALICE", "\uff41lice", "\uff21\uff2c\uff29\uff23\uff25", " alice"])
def test_names_that_fold_to_the_same_count_as_one(alice: Person, name: str) -> None:
    answers = [log_in(name if number % 2 else "alice", "wrong") for number in range(11)]
    assert answers[-1] == 429
    assert AccessAttempt.objects.get().username == "alice"


@pytest.mark.parametrize(
    ("address", "field"), [("/account/delete", "password"), ("/account/password", "old_password")]
)
def test_a_form_that_asks_for_the_password_is_no_place_to_guess_it(
    alice: Person, address: str, field: str
) -> None:
    new = {"new_password1": NEW, "new_password2": NEW}
    answers = [alice.client.post(address, {field: f"wrong{number}"} | new) for number in range(10)]
    assert [answer.status_code for answer in answers] == [422] * 9 + [429]
    assert "Try again in 15 minutes" in answers[-1].content.decode()
    assert alice.client.post(address, {field: "alice"} | new).status_code == 429
    assert User.objects.get(pk=alice.user.pk).check_password("alice")
    kept = AccessAttempt.objects.get()
    assert "wrong" not in kept.post_data
    assert NEW not in kept.post_data
    assert log_in("alice", "alice", ELSEWHERE) == 302


def test_the_admin_has_no_second_form_for_the_password(ada: Person) -> None:
    new = {"new_password1": NEW, "new_password2": NEW}
    answers = [ada.client.post("/admin/password_change/", {"old_password": "x"} | new) for _ in range(10)]
    assert answers[-1].status_code == 429


def test_signing_up_again_and_again_is_slowed_down(settings: Any) -> None:
    settings.LATENT = settings.LATENT.model_copy(update={"sign_ups_per_hour": 3})
    answers = [sign_up(f"somebody{number}") for number in range(5)]
    assert [answer.status_code for answer in answers] == [302] * 3 + [429] * 2
    assert answers[-1]["Retry-After"] == "3600"
    assert User.objects.count() == Owner.objects.count() == 3
    assert sign_up("another", ELSEWHERE).status_code == 302


def test_a_form_that_is_not_right_is_no_account(settings: Any) -> None:
    settings.LATENT = settings.LATENT.model_copy(update={"sign_ups_per_hour": 1})
    assert sign_up("").status_code == 422
    assert sign_up("somebody").status_code == 302


def sign_up(name: str, address: str = HERE) -> Any:
    sent = {"username": name, "password1": NEW, "password2": NEW}
    return Client(REMOTE_ADDR=address).post("/signup", sent)


@pytest.mark.parametrize("revoked", [True, False])
def test_whoever_changes_the_password_is_asked_about_tokens(alice: Person, revoked: bool) -> None:
    assert alice.token
    other = person("other")
    assert other.token
    page = alice.client.get("/account/password")
    assert re.search(r'<input[^>]*name="revoke_tokens"[^>]*checked', page.content.decode())
    sent = {"old_password": "alice", "new_password1": NEW, "new_password2": NEW}
    sent |= {"revoke_tokens": "on"} if revoked else {}
    assert alice.client.post("/account/password", sent).status_code == 302
    assert ApiToken.objects.filter(user=alice.user).exists() != revoked
    assert ApiToken.objects.filter(user=other.user).exists()


def test_without_tokens_nobody_is_asked_about_them(alice: Person) -> None:
    assert "revoke_tokens" not in alice.client.get("/account/password").content.decode()


def test_a_poll_ends_with_the_session(alice: Person) -> None:
    job = submit(alice.owner)
    key = re.search(r"key=(\w+)", alice.client.get(f"/jobs/{job.uuid}").content.decode())
    assert key
    poll = f"/jobs/{job.uuid}/status?key={key[1]}"
    thief = Client()
    thief.cookies = alice.client.cookies.copy()
    assert thief.get(poll).status_code == 200
    alice.client.post("/logout")
    assert alice.client.get(poll).status_code == 404
    assert thief.get(poll).status_code == 404
