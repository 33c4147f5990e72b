"""A request is taken as a whole: a job for each of its inputs, or none."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.errors import Refused
from jobs.models import Asset, FairShare, Job, JobEvent, JobInput
from jobs.queue import broker, submission
from jobs.queue.quote import quote
from jobs.queue.request import Request, Step
from tests.conftest import Person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

ROTATE = Step("transform", {"action": "rotate"})


def asking(alice: Person, photos: list[Asset], step: Step = ROTATE) -> Request:
    return Request(alice.owner, [step], [{"image": [each]} for each in photos])


def assert_nothing_left() -> None:
    for model in (Job, JobInput, JobEvent):
        assert not model.objects.exists()
    assert not FairShare.objects.filter(waiting__gt=0).exists()


@pytest.mark.usefixtures("real_operations")
def test_a_job_for_each_input_and_one_message_for_all(
    alice: Person, photo: Callable[..., Asset], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(broker, "announce", told.append)
    photos = [photo(alice.owner) for _ in range(5)]
    jobs = submission.submit(asking(alice, photos))
    assert [job.inputs.get().asset for job in jobs] == photos
    share = FairShare.objects.get()
    assert (share.waiting, told) == (5, ["cpu"])
    assert share.waiting_seconds == pytest.approx(sum(job.expected_seconds for job in jobs))


@pytest.mark.usefixtures("real_operations")
def test_one_photo_that_is_too_large_holds_back_all(
    alice: Person, photo: Callable[..., Asset], settings: Any
) -> None:
    settings.LATENT = settings.LATENT.model_copy(update={"max_result_megapixels": 0.01})
    photos = [photo(alice.owner), photo(alice.owner), photo(alice.owner, 200, 200)]
    with pytest.raises(Refused, match="megapixels"):
        submission.submit(asking(alice, photos))
    assert_nothing_left()


@pytest.mark.usefixtures("real_operations")
def test_a_limit_holds_for_the_whole_request(
    alice: Person, photo: Callable[..., Asset], settings: Any
) -> None:
    settings.LATENT = settings.LATENT.model_copy(update={"member_queued_jobs": 2})
    photos = [photo(alice.owner) for _ in range(3)]
    with pytest.raises(
        Refused, match=r"These would be 3 jobs, and of at most 2 that may wait, 0 do already\."
    ):
        submission.submit(asking(alice, photos))
    assert_nothing_left()
    assert len(submission.submit(asking(alice, photos[:2]))) == 2


@pytest.mark.usefixtures("real_operations")
def test_a_photo_that_is_deleted_meanwhile_holds_back_all(
    alice: Person, photo: Callable[..., Asset], monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [photo(alice.owner) for _ in range(3)]
    request = asking(alice, photos)
    quoted = quote(request)
    monkeypatch.setattr(submission, "quote", lambda _request: quoted)
    Asset.objects.filter(pk=photos[2].pk).delete()
    with pytest.raises(Refused) as refusal:
        submission.submit(request)
    assert refusal.value.code == "photo_gone"
    assert_nothing_left()


@pytest.mark.usefixtures("real_operations")
def test_the_quote_is_what_the_jobs_are_made_of(alice: Person, photo: Callable[..., Asset]) -> None:
    request = asking(alice, [photo(alice.owner) for _ in range(2)])
    quoted = quote(request)
    jobs = submission.submit(request)
    assert [job.expected_seconds for job in jobs] == [each.expected_seconds for each in quoted.jobs]
    assert {job.queue for job in jobs} == {quoted.queue}


@pytest.mark.usefixtures("real_operations")
def test_limits_and_queue_are_looked_at_once_for_all(alice: Person, photo: Callable[..., Asset]) -> None:
    """Each further job costs its own rows and nothing else."""
    photos = [photo(alice.owner) for _ in range(6)]
    submission.submit(asking(alice, photos[:1]))
    counts = []
    for some in (photos[:2], photos[2:6]):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            submission.submit(asking(alice, some))
        counts.append(len(asked))
    assert (counts[1] - counts[0]) / 2 <= 4
