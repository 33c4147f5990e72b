"""The page of a job."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from jobs.models import Asset, Job, Owner, ShareLink
from jobs.queue import lifecycle, live
from jobs.queue.state import State
from jobs.web.presenters.job import JobPresenter
from tests.conftest import Person
from tests.jobs.web.pages import finished, page, uploaded
from tests.support import saying, submit_one

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


def test_a_page_that_has_the_latest_version_is_answered_without_a_query(
    alice: Person, django_assert_num_queries: Callable[..., Any]
) -> None:
    job = submit_one(alice.owner, "nap", {}, {})
    address = reverse("job-status", args=[job.uuid])
    version = live.version(job.uuid)
    browser = alice.client
    with django_assert_num_queries(0):
        response = browser.get(f"{address}?v={version}")
    assert response.status_code == 204
    live.say(job.uuid, 0.5, saying("half"))
    assert alice.client.get(f"{address}?v={version}").status_code == 200


def test_a_page_that_waits_is_told_of_its_place_now_and_then_and_of_its_turn_at_once(
    alice: Person, charlie: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def polled(said: str) -> str:
        found = re.search(r'hx-get="([^"]+)" hx-trigger="poll"', said)
        assert found
        return html.unescape(found[1])

    submit_one(charlie.owner, "nap", {}, {})
    before = submit_one(charlie.owner, "nap", {}, {})
    job = submit_one(alice.owner, "nap", {}, {})
    address = polled(page(alice.client.get(reverse("job", args=[job.uuid]))))
    lifecycle.cancel(before)
    assert alice.client.get(address).status_code == 204
    monkeypatch.setattr("jobs.web.views.job.PLACE_SECONDS", 0)
    assert alice.client.get(address).status_code == 200
    monkeypatch.undo()
    address = polled(page(alice.client.get(reverse("job", args=[job.uuid]))))
    while lifecycle.claim("cpu"):
        pass
    assert alice.client.get(address).status_code == 200


def test_a_page_that_polls_is_not_looked_up_again_but_no_other_browser_can_poll_for_it(
    alice: Person, charlie: Person, django_assert_num_queries: Callable[..., Any]
) -> None:
    job = submit_one(alice.owner, "nap", {}, {})
    assert lifecycle.claim("cpu")
    found = re.search(r'hx-get="([^"]+)"', page(alice.client.get(reverse("job", args=[job.uuid]))))
    assert found
    polled = html.unescape(found[1])
    live.say(job.uuid, 0.5, saying("half"))
    with django_assert_num_queries(1):
        assert "Half" in page(alice.client.get(polled))
    assert charlie.client.get(polled).status_code == 404
    assert Client().get(polled).status_code == 404
    alice.client.logout()
    assert alice.client.get(polled).status_code == 404


def test_a_poll_of_a_job_that_waits_asks_for_its_row_its_place_and_what_runs(
    alice: Person, django_assert_num_queries: Callable[..., Any]
) -> None:
    submit_one(alice.owner, "nap", {}, {})
    assert lifecycle.claim("cpu")
    job = submit_one(alice.owner, "nap", {}, {})
    found = re.search(r'hx-get="([^"]+)"', page(alice.client.get(reverse("job", args=[job.uuid]))))
    assert found
    with django_assert_num_queries(3):
        assert "Next in line" in page(alice.client.get(f"{html.unescape(found[1])}&v=old"))


def test_a_label_has_a_share_only_where_it_has_a_score(alice: Person) -> None:
    job = finished(
        alice.owner, labels=[{"title": "tabby", "score": 0.634}, {"title": "left as it is", "score": None}]
    )
    shown = page(alice.client.get(reverse("job", args=[job.uuid])))
    found = shown[shown.index('class="labels"') : shown.index("</ul>", shown.index('class="labels"'))]
    assert "left as it is" in found
    assert re.findall(r'class="num">([^<]*)<', found) == ["63.4%"]


def test_the_last_fragment_asks_no_more_and_brings_the_result(alice: Person) -> None:
    job = finished(alice.owner)
    response = alice.client.get(reverse("job-status", args=[job.uuid]))
    assert "data-poll" not in page(response)
    assert 'hx-swap-oob="true"' in page(response)
    assert response["HX-Retarget"] == "#status"


def test_a_page_without_scripts_refreshes_itself_until_the_end(alice: Person) -> None:
    job = submit_one(alice.owner, "nap", {}, {})
    address = reverse("job", args=[job.uuid])
    assert '<noscript><meta http-equiv="refresh"' in page(alice.client.get(address))
    lifecycle.cancel(job)
    assert "refresh" not in page(alice.client.get(address))


def test_a_failure_says_why_and_whose_fault_it_is(alice: Person) -> None:
    job = submit_one(alice.owner, "nap", {}, {})
    claim = lifecycle.claim("cpu")
    assert claim
    lifecycle.fail(claim, "internal", saying("Something went wrong on our side."))
    said = page(alice.client.get(reverse("job", args=[job.uuid])))
    assert "Something went wrong on our side." in said
    assert "our fault" in said
    alice.client.post(reverse("job-retry", args=[job.uuid]))
    job.refresh_from_db()
    assert job.status == "queued"


def test_a_job_can_be_cancelled_and_cancelling_it_twice_is_no_error(alice: Person) -> None:
    job = submit_one(alice.owner, "nap", {}, {})
    for _ in range(2):
        assert alice.client.post(reverse("job-cancel", args=[job.uuid])).status_code == 302
    job.refresh_from_db()
    assert job.status == "cancelled"


def test_a_result_becomes_the_input_of_another_operation(alice: Person) -> None:
    job = finished(alice.owner)
    response = alice.client.post(reverse("job-use", args=[job.uuid]))
    photo = Asset.objects.get()
    assert response["Location"] == f"/choose?photo={photo.id}"
    assert photo.owner == alice.owner


def test_again_brings_photos_and_settings_back(alice: Person, photo: Callable[..., Asset]) -> None:
    used = photo(alice.owner)
    job = submit_one(alice.owner, "nap", {"seconds": 4}, {"photo": [used]})
    shown = alice.client.get(reverse("job", args=[job.uuid])).context["presenter"]
    form = page(alice.client.get(shown.again_url))
    assert str(used.id) in form
    assert 'value="4"' in form


@pytest.mark.sampled(1)
@pytest.mark.parametrize("action", ["cancel", "retry", "delete", "keep", "share"])
def test_nobody_else_changes_a_job(alice: Person, charlie: Person, client: Client, action: str) -> None:
    job = finished(alice.owner)
    address = reverse(f"job-{action}", args=[job.uuid])
    assert charlie.client.post(address).status_code == 404
    assert client.post(address).status_code in (403, 404)
    assert Job.objects.filter(pk=job.pk, kept=False).exists()
    assert not ShareLink.objects.exists()


def test_only_members_keep_jobs_for_good(alice: Person, client: Client) -> None:
    job = finished(alice.owner)
    alice.client.post(reverse("job-keep", args=[job.uuid]), {"kept": "yes"})
    job.refresh_from_db()
    assert job.kept
    uploaded(client)
    theirs = finished(Owner.objects.get(user=None))
    assert client.post(reverse("job-keep", args=[theirs.uuid]), {"kept": "yes"}).status_code == 403


def test_a_job_of_before_there_was_a_setting_shows_what_it_was_run_with(real_operations: None) -> None:
    of_before = Job(operation="super-resolution", params={"method": "span", "scale": 3})
    assert ("Scale", "3×") in JobPresenter(of_before, State()).settings
    now = Job(operation="super-resolution", params={"size": "width", "scale": 2, "width": 3000})
    assert JobPresenter(now, State()).settings == [("Size", "Width"), ("Width", "3000 px")]
