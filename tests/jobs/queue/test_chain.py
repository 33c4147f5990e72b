"""Steps that follow each other: nothing begins before what it needs is there, and nothing waits in vain."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from jobs.errors import Refused
from jobs.messages import told
from jobs.models import UNFINISHED, Asset, Batch, Job, JobEvent
from jobs.queue import adoption, batches, deletion, lifecycle, reaper, submission
from jobs.queue.lifecycle import Outcome
from jobs.queue.request import Request, Step
from tests.jobs.queue.states import chained, fresh
from tests.support import saying

pytestmark = pytest.mark.django_db

Status = Job.Status
NAP = "nap"


def statuses(jobs: list[Job]) -> list[str]:
    return [fresh(job).status for job in jobs]


def finish_next(stored: Any) -> Job:
    claim = lifecycle.claim("cpu")
    assert claim
    assert lifecycle.finish(claim, stored(claim))
    return claim.job


def fail_next() -> Job:
    claim = lifecycle.claim("cpu")
    assert claim
    assert lifecycle.fail(claim, "internal", saying("Oh no."))
    return claim.job


# In order ------------------------------------------------------------------------------------------------


def test_a_step_begins_when_the_one_before_it_is_done_and_gets_its_result(
    alice, photo, stored, counters_true
):
    jobs = chained(alice.owner, NAP, NAP, NAP, photos=[{"photo": [photo(alice.owner)]}])
    assert statuses(jobs) == [Status.QUEUED, Status.BLOCKED, Status.BLOCKED]
    counters_true()
    for number, job in enumerate(jobs):
        assert finish_next(stored) == job
        counters_true()
        assert statuses(jobs)[number + 1 : number + 2] in ([Status.QUEUED], [])
    (given,) = jobs[1].inputs.all()
    assert given.asset == jobs[0].outputs.get()
    assert {asset.original for asset in Asset.objects.made()} == {Asset.objects.uploaded().get()}


def test_the_photos_of_a_batch_come_one_after_the_other(alice, photo, stored):
    jobs = chained(alice.owner, NAP, NAP, photos=[{"photo": [photo(alice.owner)]} for _ in range(2)])
    assert [(job.item, job.step) for job in jobs] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert [finish_next(stored) for _ in jobs] == jobs


def test_between_the_steps_nothing_is_lost(alice, photo):
    request = Request(
        alice.owner,
        [Step("instant", {"format": "jpeg"}), Step("instant", {"format": "jpeg"})],
        [{"photo": [photo(alice.owner)]}],
    )
    assert [job.params["format"] for job in submission.submit(request)] == ["png", "jpeg"]


def test_the_end_of_a_batch_is_told_once(alice, stored):
    jobs = chained(alice.owner, NAP, NAP, name="holiday")
    batch = jobs[0].batch
    finish_next(stored)
    assert not JobEvent.objects.filter(batch=batch).exists()
    finish_next(stored)
    event = JobEvent.objects.get(batch=batch)
    assert (event.status, event.snapshot["counts"]) == (Status.SUCCEEDED, {"succeeded": 2})
    deletion.delete(fresh(jobs[0]))
    assert JobEvent.objects.filter(batch=batch).count() == 1


# Broken off ----------------------------------------------------------------------------------------------


def test_what_waits_for_a_step_that_failed_is_cancelled_and_told_why(alice, counters_true):
    jobs = chained(alice.owner, NAP, NAP, NAP)
    fail_next()
    assert statuses(jobs) == [Status.FAILED, Status.CANCELLED, Status.CANCELLED]
    assert "“Nap”, which comes before it, did not succeed" in told(fresh(jobs[2]).error)
    assert JobEvent.objects.get(batch=jobs[0].batch).status == Status.FAILED
    counters_true()


@pytest.mark.parametrize("number", [0, 1])
def test_what_waits_for_a_step_that_was_cancelled_is_cancelled(alice, number, counters_true):
    jobs = chained(alice.owner, NAP, NAP, NAP)
    lifecycle.cancel(jobs[number])
    assert statuses(jobs)[number:] == [Status.CANCELLED] * (3 - number)
    counters_true()


def test_of_a_running_step_those_behind_it_wait_until_it_has_heeded(alice, stored):
    jobs = chained(alice.owner, NAP, NAP)
    claim = lifecycle.claim("cpu")
    lifecycle.cancel(fresh(jobs[0]))
    assert statuses(jobs) == [Status.RUNNING, Status.BLOCKED]
    lifecycle.stop(claim)
    assert statuses(jobs) == [Status.CANCELLED, Status.CANCELLED]


def test_a_step_that_makes_nothing_leaves_nothing_to_go_on_with(alice):
    jobs = chained(alice.owner, NAP, NAP)
    assert lifecycle.finish(lifecycle.claim("cpu"), Outcome())
    assert statuses(jobs) == [Status.SUCCEEDED, Status.CANCELLED]
    assert "made no picture" in told(fresh(jobs[1]).error)


def test_what_waits_for_a_deleted_step_is_cancelled(alice, counters_true):
    jobs = chained(alice.owner, NAP, NAP, NAP)
    deletion.delete(jobs[0])
    assert statuses(jobs[1:]) == [Status.CANCELLED, Status.CANCELLED]
    counters_true()


def test_a_batch_goes_with_the_last_of_its_jobs(alice):
    jobs = chained(alice.owner, NAP, NAP)
    for job in jobs:
        assert Batch.objects.exists()
        deletion.delete(fresh(job))
    assert not Batch.objects.exists()


# Tried again ---------------------------------------------------------------------------------------------


def test_a_step_that_is_tried_again_takes_along_what_waited_for_it(alice, stored, counters_true):
    jobs = chained(alice.owner, NAP, NAP, NAP)
    fail_next()
    submission.retry(fresh(jobs[0]))
    assert statuses(jobs) == [Status.QUEUED, Status.BLOCKED, Status.BLOCKED]
    assert fresh(jobs[2]).error is None
    counters_true()
    assert [finish_next(stored) for _ in jobs] == jobs
    assert [event.status for event in JobEvent.objects.filter(batch=jobs[0].batch)] == ["failed", "succeeded"]


def test_what_somebody_cancelled_stays_so_when_a_step_before_it_is_tried_again(alice):
    jobs = chained(alice.owner, NAP, NAP, NAP)
    lifecycle.cancel(jobs[2])
    fail_next()
    submission.retry(fresh(jobs[0]))
    assert statuses(jobs) == [Status.QUEUED, Status.BLOCKED, Status.CANCELLED]


def test_what_somebody_made_before_is_not_made_again(alice, photo, stored):
    photos = [{"photo": [photo(alice.owner)]} for _ in range(2)]

    def ask(*seconds: float) -> list[Job]:
        steps = [Step(NAP, {"seconds": each}) for each in seconds]
        return submission.submit(Request(alice.owner, steps, photos))

    for _ in ask(0.1, 0.2, 0.3):
        finish_next(stored)
    again = ask(0.1, 0.2, 0.4)
    assert [(job.item, job.step, job.status) for job in again] == [(0, 2, "queued"), (1, 2, "queued")]
    earlier = Job.objects.filter(step=1).order_by("item")
    assert [job.inputs.get().asset for job in again] == [job.outputs.get() for job in earlier]
    assert [job.step for job in ask(0.1, 0.5, 0.3)] == [1, 2, 1, 2]
    assert [job.step for job in ask(0.5, 0.2, 0.3)] == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize("gone", ["trashed", "somebody else's", "another version", "other weights"])
def test_what_is_not_at_hand_is_made_again(alice, bob, photo, stored, gone):
    photos = [{"photo": [photo(alice.owner)]}]
    chained(alice.owner, NAP, NAP, photos=photos)
    first = finish_next(stored)
    match gone:
        case "trashed":
            first.outputs.update(trashed_at=Now())
        case "somebody else's":
            Job.objects.filter(pk=first.pk).update(owner=bob.owner)
        case "another version":
            Job.objects.filter(pk=first.pk).update(operation_version=99)
        case "other weights":
            Job.objects.filter(pk=first.pk).update(recipe={"weights": {"old": "0" * 64}})
    assert len(chained(alice.owner, NAP, NAP, photos=photos)) == 2


def test_what_is_drawn_at_random_is_drawn_anew_unless_it_is_the_same_seed(alice, photo, stored):
    photos = [{"photo": [photo(alice.owner)]}]
    chained(alice.owner, "instant", NAP, photos=photos)
    first = finish_next(stored)
    assert len(chained(alice.owner, "instant", NAP, photos=photos)) == 2
    request = Request(alice.owner, [Step("instant", seed=first.seed), Step(NAP)], photos)
    assert len(submission.submit(request)) == 1


# As a whole ----------------------------------------------------------------------------------------------


def test_a_batch_is_cancelled_as_a_whole(alice, counters_true):
    jobs = chained(alice.owner, NAP, NAP, photos=[{}, {}, {}])
    claim = lifecycle.claim("cpu")
    batches.cancel(jobs[0].batch)
    assert statuses(jobs) == [Status.RUNNING, *[Status.CANCELLED] * 5]
    counters_true()
    lifecycle.stop(claim)
    assert JobEvent.objects.get(batch=jobs[0].batch).status == Status.CANCELLED
    with pytest.raises(Refused):
        batches.cancel(jobs[0].batch)


def test_a_batch_is_tried_again_as_a_whole(alice, stored, counters_true):
    jobs = chained(alice.owner, NAP, NAP, photos=[{}, {}])
    fail_next()
    for _ in range(2):
        finish_next(stored)
    assert statuses(jobs) == [Status.FAILED, Status.CANCELLED, Status.SUCCEEDED, Status.SUCCEEDED]
    batches.retry(jobs[0].batch)
    assert statuses(jobs)[:2] == [Status.QUEUED, Status.BLOCKED]
    counters_true()
    with pytest.raises(Refused):
        batches.retry(jobs[0].batch)


def test_a_batch_says_how_far_it_is(alice, stored):
    jobs = chained(alice.owner, NAP, NAP, photos=[{}, {}])
    batch = jobs[0].batch
    state = batches.state_of(batch)
    assert (state.counts, state.fraction, state.status) == ({"queued": 2, "blocked": 2}, 0.0, Status.QUEUED)
    finish_next(stored)
    state = batches.state_of(batch)
    assert (state.fraction, state.status, state.eta_seconds) == (
        pytest.approx(0.25),
        Status.RUNNING,
        pytest.approx(3 * jobs[0].expected_seconds),
    )
    for _ in range(3):
        finish_next(stored)
    state = batches.state_of(batch)
    assert (state.fraction, state.status, state.eta_seconds) == (1.0, Status.SUCCEEDED, None)


def test_the_chain_of_a_visitor_goes_on_as_the_members(alice, visitor, stored, counters_true):
    jobs = chained(visitor, NAP, NAP)
    adoption.adopt(visitor, alice.owner)
    counters_true()
    assert finish_next(stored) == jobs[0]
    counters_true()
    assert {fresh(job).fair_share.key for job in jobs} == {alice.owner.fair_share_key}
    assert fresh(jobs[0]).batch.owner == alice.owner


# Refused -------------------------------------------------------------------------------------------------


def test_a_refusal_of_one_leaves_nothing_of_any(alice, photo):
    with pytest.raises(Refused) as refusal:
        submission.submit(Request(alice.owner, [Step(NAP), Step(NAP, {"seconds": -1})], [{}, {}]))
    assert refusal.value.code == "bad_params"
    assert not Job.objects.exists()
    assert not Batch.objects.exists()


def test_there_are_limits(alice, visitor, settings):
    settings.LATENT = settings.LATENT.model_copy(
        update={"max_steps": 2, "member_batch_photos": 3, "visitor_batch_photos": 1}
    )
    for owner, steps, photos in (
        (alice.owner, 3, 1),
        (alice.owner, 0, 1),
        (alice.owner, 1, 4),
        (visitor, 1, 2),
    ):
        with pytest.raises(Refused):
            chained(owner, *[NAP] * steps, photos=[{}] * photos)
    assert not Job.objects.exists()
    assert len(chained(alice.owner, NAP, NAP, photos=[{}] * 3)) == 6


def test_the_same_key_gives_the_same_batch(alice):
    def ask(name: str) -> list[Job]:
        return submission.submit(Request(alice.owner, [Step(NAP), Step(NAP)], [{}], "key", name=name))

    assert ask("one") == ask("one")
    with pytest.raises(Refused) as refusal:
        ask("two")
    assert refusal.value.status == 409
    assert (Job.objects.count(), Batch.objects.count()) == (2, 1)


# At once -------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_jobs_that_end_at_the_same_moment_end_their_batch_once(alice, stored, at_once, counters_true):
    jobs = chained(alice.owner, NAP, photos=[{}] * 8)
    claims = [lifecycle.claim("cpu") for _ in jobs]
    at_once(*[partial(lifecycle.finish, claim, stored(claim)) for claim in claims])
    assert [event.status for event in fresh(jobs[0]).batch.events.all()] == [Status.SUCCEEDED]
    in_order()
    counters_true()


@pytest.mark.django_db(transaction=True)
def test_a_step_may_end_while_what_follows_it_is_cancelled(alice, stored, at_once, counters_true):
    for _ in range(5):
        jobs = chained(alice.owner, NAP, NAP, NAP)
        claim = lifecycle.claim("cpu")
        end = partial(lifecycle.finish, claim, stored(claim))
        at_once(end, *[partial(attempt, lifecycle.cancel, job) for job in jobs[1:]])
        assert statuses(jobs) == [Status.SUCCEEDED, Status.CANCELLED, Status.CANCELLED]
        assert fresh(jobs[0]).batch.events.count() == 1
        counters_true()


@pytest.mark.django_db(transaction=True)
def test_a_batch_may_be_cancelled_while_its_jobs_end(alice, stored, at_once, counters_true):
    jobs = chained(alice.owner, NAP, NAP, photos=[{}] * 4)
    claims = [lifecycle.claim("cpu") for _ in range(4)]
    ends = [partial(lifecycle.finish, claim, stored(claim)) for claim in claims]
    at_once(partial(attempt, batches.cancel, jobs[0].batch), *ends)
    for claim in claims:
        lifecycle.stop(claim)
    while claim := lifecycle.claim("cpu"):
        lifecycle.finish(claim, stored(claim))
    assert fresh(jobs[0]).batch.events.count() == 1
    in_order()
    counters_true()


def attempt(change: Callable[[Any], None], what: Any) -> None:
    with suppress(Refused):
        change(what)


# Whatever happens ----------------------------------------------------------------------------------------

EVENTS = st.lists(
    st.tuples(
        st.sampled_from([*["submit"] * 2, *["claim"] * 3, *["finish"] * 3, "fail", "stop", "hand_back"])
        | st.sampled_from(["cancel", "retry", "delete", "expire", "reap", "make nothing"])
        | st.sampled_from(["cancel all", "retry all", "delete all"]),
        st.integers(0, 7),
    ),
    max_size=40,
)


@pytest.mark.slow
@given(events=EVENTS)
@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_step_waits_for_what_has_ended_whatever_happens(alice, stored, counters_true, events):
    with transaction.atomic():
        claims: list[lifecycle.Claim] = []
        for name, number in events:
            jobs, batch = list(Job.objects.order_by("pk")), Batch.objects.order_by("created_at").first()
            job = jobs[number % len(jobs)] if jobs else None
            claim = claims[number % len(claims)] if claims else None
            with suppress(Refused):
                happen(name, number, alice.owner, job, batch, claim, claims, stored)
            in_order()
        counters_true()
        transaction.set_rollback(True)


def happen(name, number, owner, job, batch, claim, claims, stored):
    match name:
        case "submit":
            chained(owner, *[NAP] * (1 + number % 4), photos=[{}] * (1 + number % 2))
        case "claim":
            if taken := lifecycle.claim("cpu"):
                claims.append(taken)
        case "finish" if claim and Job.objects.filter(pk=claim.job.pk).exists():
            lifecycle.finish(claim, stored(claim))
        case "make nothing" if claim and Job.objects.filter(pk=claim.job.pk).exists():
            lifecycle.finish(claim, Outcome())
        case "fail" if claim:
            lifecycle.fail(claim, "internal", saying("Oh no."))
        case "stop" | "hand_back" if claim:
            getattr(lifecycle, name)(claim)
        case "cancel" if job:
            lifecycle.cancel(job)
        case "retry" if job:
            submission.retry(job)
        case "delete" if job:
            deletion.delete(job)
        case "expire" if job:
            Job.objects.filter(pk=job.pk, status=Status.RUNNING).update(
                lease_expires_at=Now() - timedelta(seconds=1)
            )
        case "reap":
            reaper.reap()
        case "cancel all" if batch:
            batches.cancel(batch)
        case "retry all" if batch:
            batches.retry(batch)
        case "delete all" if batch:
            batches.delete(batch)


def in_order() -> None:
    """What is blocked waits for what has not ended; what is not has what it needs; a batch has ended if its jobs have."""
    for job in Job.objects.filter(status=Status.BLOCKED):
        assert job.inputs.get().source.status in UNFINISHED
    begun = Job.objects.exclude(status__in=(Status.BLOCKED, Status.CANCELLED))
    assert not begun.filter(inputs__source__isnull=False, inputs__asset=None).exists()
    for batch in Batch.objects.all():
        going_on = batch.jobs.filter(status__in=UNFINISHED).exists()
        assert batch.jobs.exists()
        assert going_on == (batch.ended_at is None)
        ends = batch.events.count()
        assert ends or going_on
