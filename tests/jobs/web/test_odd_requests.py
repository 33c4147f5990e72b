"""Requests that no browser makes: each is answered in words, and none is an error of the site's."""

import json
from typing import Any

import pytest
from django.test import Client

from jobs.models import Job
from jobs.queue import lifecycle
from tests.conftest import Person
from tests.support import submit_one

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]

LONG = "9" * 5000
"""More digits than Python makes a number of."""


@pytest.mark.parametrize("seed", [LONG, "9" * 30, "-1", "1.5", "²", "x"])
def test_a_seed_that_is_none_is_refused_by_form_and_api(alice: Person, seed: str) -> None:
    form = alice.client.post("/new/instant", {"seed": seed})
    assert form.status_code == 422
    assert "A seed is a whole number" in form.content.decode()
    cost = alice.client.post("/new/instant/cost", {"seed": seed})
    assert cost.status_code == 200
    shown = alice.client.get("/new/instant", {"seed": seed})
    assert shown.status_code == 200
    for sent in (seed, json.dumps(seed)):
        body = f'{{"operation": "instant", "seed": {sent}}}'
        told = alice.client.post("/api/v1/jobs", body, content_type="application/json")
        assert told.status_code in (400, 422)
        assert told["Content-Type"] == "application/problem+json"
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "address",
    [
        "/library/jobs?before={}",
        "/library/jobs?after={}",
        "/api/v1/jobs?cursor={}",
        "/admin/jobs/job/{}/change/",
        "/new/instant?seed={}",
        "/library/jobs?page={}",
    ],
)
def test_a_number_of_any_length_is_no_error_of_the_site(ada: Person, address: str) -> None:
    assert ada.client.get(address.format(LONG)).status_code < 500
    assert ada.client.get(address.format("9" * 18)).status_code < 500
    assert ada.client.get(address.format("9" * 40)).status_code < 500


def test_a_body_that_says_it_is_endless_is_too_large(client: Client) -> None:
    assert client.generic("POST", "/photos", b"", CONTENT_LENGTH=LONG).status_code == 413


@pytest.mark.sampled(6)
@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=2-4", 206, b"ctu"),
        ("bytes=2-", 206, b"cture"),
        ("bytes=-3", 206, b"ure"),
        ("bytes=-100", 206, b"picture"),
        ("bytes=0-99", 206, b"picture"),
        (f"bytes=2-{LONG}", 206, b"cture"),
        (f"bytes=-{LONG}", 206, b"picture"),
        ("bytes=7-", 416, b""),
        ("bytes=7-9", 416, b""),
        ("bytes=-0", 416, b""),
        (f"bytes={LONG}-", 416, b""),
        (f"bytes={LONG}-{LONG}", 416, b""),
        ("bytes=5-3", 200, b"picture"),
        (f"bytes={LONG}-3", 200, b"picture"),
        ("bytes=-", 200, b"picture"),
        ("bytes=", 200, b"picture"),
        ("bytes=a-b", 200, b"picture"),
        ("bytes=²-", 200, b"picture"),
        ("bytes=0-1,3-4", 200, b"picture"),
        ("lines=1-2", 200, b"picture"),
    ],
)
def test_a_range_is_answered_as_rfc_9110_has_it(
    alice: Person, stored: Any, asked: str, status: int, part: bytes
) -> None:
    address = finished(alice, stored)
    answer = alice.client.get(address, headers={"range": asked})
    assert answer.status_code == status
    if status == 416:
        assert answer["Content-Range"] == "bytes */7"
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.content.decode().endswith(".")
        return
    assert b"".join(answer.streaming_content) == part  # type: ignore[attr-defined]
    assert answer["Content-Length"] == str(len(part))
    if status == 206:
        first = b"picture".index(part)
        assert answer["Content-Range"] == f"bytes {first}-{first + len(part) - 1}/7"
    else:
        assert "Content-Range" not in answer


def test_a_range_is_for_get_and_for_the_file_that_the_browser_has_a_part_of(
    alice: Person, stored: Any
) -> None:
    address = finished(alice, stored)
    etag = alice.client.get(address)["ETag"]
    assert alice.client.head(address, headers={"range": "bytes=9-"}).status_code == 200
    for given, status in ((etag, 206), ('"another"', 200)):
        asked = {"range": "bytes=2-4", "if-range": given}
        assert alice.client.get(address, headers=asked).status_code == status


def finished(person: Person, stored: Any) -> str:
    """The address of an output of seven bytes."""
    job = submit_one(person.owner, "instant", {}, {})
    claim = lifecycle.claim("cpu")
    assert claim
    lifecycle.finish(claim, stored(claim))
    return f"/files/outputs/{job.outputs.get().id}"
