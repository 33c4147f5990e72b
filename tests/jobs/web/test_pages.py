"""The pages, as a browser without a script uses them."""

import json
import re
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse

from jobs.access import sharing
from jobs.queue.state import state_of
from jobs.web.presenters.job import JobPresenter
from tests.conftest import Person
from tests.jobs.web.pages import finished, page, png, uploaded
from webapp.config import config

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


def test_an_unknown_address_is_answered_in_words_and_to_programs_as_a_problem(client: Client) -> None:
    lost = client.get("/nowhere")
    assert lost.status_code == 404
    assert "There is nothing at this address" in page(lost)
    problem = client.get("/api/v1/nowhere")
    assert problem.status_code == 404
    assert problem["Content-Type"] == "application/problem+json"


def test_a_fault_of_ours_is_told_without_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(sharing, "live_share", broken)
    client = Client(raise_request_exception=False)
    response = client.get("/s/whatever")
    assert response.status_code == 500
    assert "on our side" in page(response)
    assert "secret" not in page(response)


@pytest.mark.parametrize("path", ["/", "/api/v1/jobs", "/s/whatever"])
def test_while_the_database_is_away_whoever_asks_may_come_back(path: str) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("secret")

    client = Client(raise_request_exception=False)
    with connection.execute_wrapper(away):
        response = client.get(path, headers={"Authorization": "Bearer latent_x", "Cookie": "sessionid=x"})
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert "try again in a minute" in page(response)
    assert "secret" not in page(response)


def test_a_form_without_its_token_is_refused_in_words() -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post("/photos", {"sample": "coffee"})
    assert response.status_code == 403
    assert "reload the page" in page(response)


@pytest.mark.parametrize("address", ["/photos", "/new/nap", "/api/v1/photos"])
def test_a_body_beyond_any_upload_is_refused_before_it_is_read(client: Client, address: str) -> None:
    size = str(config().max_upload_megabytes * 1_000_000 + 1_000_001)
    response = client.post(address, b"", "multipart/form-data; boundary=x", CONTENT_LENGTH=size)
    assert response.status_code == 413
    said = json.loads(response.content)["detail"] if address.startswith("/api") else page(response)
    assert "at most 40 MB can be sent" in said


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "address", ["/", "/library/jobs", "/login", "/signup", "/weights/", "/new/nap", "/nowhere", "/links/"]
)
def test_no_page_needs_inline_script_or_style(client: Client, address: str) -> None:
    response = client.get(address)
    policy = response["Content-Security-Policy"]
    assert "script-src 'self';" in f"{policy};"
    assert "unsafe" not in policy
    said = page(response)
    assert " style=" not in said
    assert "<style" not in said
    assert not re.search(r"<script(?![^>]*src=)", said)
    assert not re.search(r"\son\w+=", said)


def test_figures_are_named_in_words_and_those_of_a_comparison_make_a_table(
    alice: Person, request: pytest.FixtureRequest
) -> None:
    metrics = {"nlm_psnr": 28.1234, "dncnn_ssim": 0.9, "dncnn_psnr": None, "nlm_seconds": 1.5, "sigma": 30.0}
    job = finished(alice.owner, operation="denoise", metrics={**metrics, "odd_name": 2.0})
    job.outputs.update(output="dncnn")
    request.getfixturevalue("real_operations")
    presenter = JobPresenter(job, state_of(job))
    assert presenter.metrics == [("Noise level, of 255", "30"), ("odd name", "2")]
    assert presenter.scores
    assert presenter.scores.measures == ["PSNR, dB", "SSIM", "Time, s"]
    assert presenter.scores.rows == [
        ("White noise", ["∞", "0.9000", "–"]),
        ("Non-local means", ["28.12", "–", "1.5"]),
    ]
    said = page(alice.client.get(reverse("job", args=[job.uuid])))
    assert re.search(r'<th scope="row">Non-local means</th>\s*<td>28.12</td>', said)


@pytest.mark.usefixtures("real_operations")
def test_what_most_people_leave_empty_is_folded_away_until_it_is_filled(client: Client) -> None:
    picture, reference = uploaded(client), uploaded(client, png(color="olive"))
    form = page(client.get(f"/new/denoise?photo={picture}"))
    assert form.index('name="method"') < form.index('<details class="fold">')
    assert form.index('<details class="fold">') < form.index('data-slot="reference"')
    form = page(client.get(f"/new/denoise?photo={picture}&slot-reference={reference}"))
    assert form.index('<details class="fold" open>') < form.index(reference)


def test_the_picture_of_a_method_has_its_title_and_its_psnr(
    alice: Person, request: pytest.FixtureRequest
) -> None:
    job = finished(alice.owner, operation="denoise", metrics={"nlm_psnr": 28.1234})
    job.outputs.update(output="nlm")
    request.getfixturevalue("real_operations")
    (shown,) = JobPresenter(job, state_of(job)).outputs
    assert (shown.name, shown.measured) == ("Non-local means", "28.12 dB")
