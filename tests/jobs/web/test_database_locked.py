"""While somebody else holds the database's lock, whoever writes is told to come back, and soon."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from jobs.library.samples import SAMPLES
from tests.conftest import Person

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis"),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has no lock of the whole"),
]

PATIENCE_SECONDS = 0.4
WRITES: dict[str, Any] = {
    "/login": {"username": "charlie", "password": "charlie"},
    "/login?wrong": {"username": "charlie", "password": "wrong"},
    "/admin/login/": {"username": "ada", "password": "ada"},
    "/signup": {"username": "dora", "password1": "correct horse 7", "password2": "correct horse 7"},
    "/logout": {},
    "/account/tokens": {"name": "mine"},
    "/account/password": {
        "old_password": "alice",
        "new_password1": "horse 77 x",
        "new_password2": "horse 77 x",
    },
    "/account/delete": {"password": "alice"},
    "/photos": {"sample": SAMPLES[0].name},
    "/new/instant": {},
}


@pytest.fixture
def locked(alice: Person, charlie: Person, ada: Person) -> Iterator[None]:
    """The database, by another connection; the site's own waits for a moment alone."""
    alice.client.get("/")
    options = connection.settings_dict["OPTIONS"]
    usual, options["timeout"] = options["timeout"], PATIENCE_SECONDS
    connection.close()
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
    options["timeout"] = usual
    connection.close()


@pytest.mark.parametrize("address", WRITES)
@pytest.mark.parametrize("scripted", [False, True])
def test_whoever_writes_is_told_to_come_back(
    alice: Person, locked: None, address: str, scripted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = address.startswith(("/login", "/signup", "/admin"))
    client = Client(raise_request_exception=False)
    if not stranger:
        client.cookies = alice.client.cookies
    waits: list[str] = []
    accept = {"accept": "application/json"} if scripted else {}
    with connection.execute_wrapper(partial(count_waits, waits)):
        answer = client.post(address, WRITES[address], headers=accept)
    assert len(waits) == 1
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert "cannot reach its database" in answer.content.decode()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_reading_waits_for_nobody(alice: Person, locked: None) -> None:
    for address in ("/", "/library/jobs", "/account/", "/new/instant", "/api/v1/jobs"):
        assert alice.client.get(address).status_code == 200


def count_waits(waits: list[str], execute: Any, sql: str, *details: Any) -> Any:
    """Each statement that waited for the lock, and in vain."""
    try:
        return execute(sql, *details)
    except OperationalError:
        waits.append(sql)
        raise
