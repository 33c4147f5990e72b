"""The gallery."""

from collections.abc import Callable
from typing import Any

import pytest

from jobs.models import Asset, Job
from tests.conftest import Person
from tests.jobs.web.pages import finished
from tests.support import submit_one

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


@pytest.mark.slow
def test_the_gallery_filters_by_state_operation_and_name(alice: Person, photo: Callable[..., Asset]) -> None:
    done = finished(alice.owner, photo(alice.owner))
    waiting = submit_one(alice.owner, "nap", {}, {})

    def shown(query: str) -> list[Job]:
        return [tile.job for tile in alice.client.get(f"/library/jobs{query}").context["tiles"]]

    assert shown("") == [waiting, done]
    assert shown("?status=succeeded") == [done]
    assert shown("?operation=nap") == [waiting]
    assert shown("?q=BLUE") == [done]
    assert shown("?q=nothing") == []
    assert shown("?status=nonsense&before=x") == [waiting, done]


@pytest.mark.slow
def test_the_gallery_turns_its_pages_both_ways(alice: Person) -> None:
    jobs = [submit_one(alice.owner, "nap", {}, {}) for _ in range(100)][::-1]
    first = alice.client.get("/library/jobs")
    second = alice.client.get(first.context["older"])
    third = alice.client.get(second.context["older"])
    seen = [tile.job for response in (first, second, third) for tile in response.context["tiles"]]
    assert seen == jobs
    assert third.context["older"] == ""
    back = alice.client.get(third.context["newer"])
    assert [tile.job for tile in back.context["tiles"]] == jobs[48:96]


@pytest.mark.slow
def test_the_gallery_takes_as_many_queries_for_many_jobs_as_for_few(
    alice: Person, photo: Callable[..., Asset], django_assert_max_num_queries: Callable[..., Any]
) -> None:
    used = photo(alice.owner)
    for _ in range(20):
        finished(alice.owner, used)
        submit_one(alice.owner, "nap", {}, {"photo": [used]})
    alice.client.get("/library/jobs")
    with django_assert_max_num_queries(7):
        assert len(alice.client.get("/library/jobs").context["tiles"]) == 40


def test_ticked_jobs_are_deleted_and_only_ones_own(alice: Person, charlie: Person) -> None:
    mine, kept, theirs = finished(alice.owner), finished(alice.owner), finished(charlie.owner)
    alice.client.post(
        "/jobs/delete", {"job": [str(mine.uuid), str(theirs.uuid), "nonsense"], "back": "//evil.example"}
    )
    assert set(Job.objects.all()) == {kept, theirs}
