"""The rules of a job's life, without a worker."""

import math
from contextlib import suppress
from datetime import timedelta
from itertools import chain

import pytest
from django.db import OperationalError, transaction
from django.db.models.functions import Now
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from jobs.errors import Refused
from jobs.models import Asset, FairShare, Job, JobEvent, JobInput, Owner
from jobs.queue import broker, deletion, lifecycle, reaper, submission
from jobs.queue.lifecycle import Lease, Outcome
from jobs.work import runner
from tests.jobs.queue.states import ENDED, claimed, expire_lease, fresh, in_status
from tests.support import saying, submit, submit_one
from webapp.config import config

pytestmark = pytest.mark.django_db

Status = Job.Status


# Asking for work -----------------------------------------------------------------------------------------


def test_a_submitted_job_waits(alice, photo, counters_true):
    job = submit_one(alice.owner, "instant", {}, {"photo": [photo(alice.owner), photo(alice.owner)]})
    job = fresh(job)
    assert (job.status, job.attempt, job.queue, job.owner) == (Status.QUEUED, 0, "cpu", alice.owner)
    assert [item.position for item in job.inputs.all()] == [0, 1]
    assert [event.status for event in job.events.all()] == [Status.QUEUED]
    assert job.megapixels == pytest.approx(2 * 24 * 16 / 1e6)
    counters_true()


def test_nobody_is_told_of_a_job_before_it_is_committed(
    alice, monkeypatch, django_capture_on_commit_callbacks
):
    told = []
    monkeypatch.setattr(broker, "announce", told.append)
    with django_capture_on_commit_callbacks(execute=True):
        submit(alice.owner)
        assert told == []
    assert told == ["cpu"]


@pytest.mark.parametrize(
    ("operation", "params", "slots", "code"),
    [
        ("instant", {"format": "svg"}, {}, "bad_params"),
        ("instant", {"wings": 2}, {}, "bad_params"),
        ("nap", {"seconds": -1}, {}, "bad_params"),
        ("nap", {"seconds": math.nan}, {}, "bad_params"),
        ("nap", {"seconds": 700}, {}, "too_expensive"),
        ("juggle", {}, {}, "unknown_operation"),
        ("instant", {}, {"music": 1}, "bad_input"),
        ("instant", {}, {"photo": 5}, "bad_input"),
    ],
)
def test_a_refusal_leaves_no_row(alice, photo, operation, params, slots, code):
    inputs = {slot: [photo(alice.owner) for _ in range(count)] for slot, count in slots.items()}
    with pytest.raises(Refused) as refusal:
        submit_one(alice.owner, operation, params, inputs)
    assert refusal.value.code == code
    assert 400 <= refusal.value.status < 500
    for model in (Job, JobInput, JobEvent, FairShare):
        assert not model.objects.exists()


def test_it_refuses_a_result_that_is_too_large(alice, settings):
    settings.LATENT = settings.LATENT.model_copy(update={"max_result_megapixels": 1e-6})
    with pytest.raises(Refused) as refusal:
        submit(alice.owner)
    assert refusal.value.code == "result_too_large"
    assert not Job.objects.exists()


def test_a_random_operation_gets_a_seed_that_is_kept(alice):
    assert submit(alice.owner).seed != submit(alice.owner).seed
    assert submit_one(alice.owner, "instant", {}, {}, seed=7).seed == 7
    assert submit(alice.owner, "nap").seed == 0


def test_visitors_of_one_address_share_a_turn_and_members_have_their_own(alice, bob, visitor):
    other = Owner.objects.create(address=visitor.address)
    assert submit(visitor).fair_share == submit(other).fair_share
    assert submit(alice.owner).fair_share != submit(bob.owner).fair_share


# Claiming ------------------------------------------------------------------------------------------------


def test_a_claim_takes_the_job_and_gives_a_lease(alice, counters_true):
    submit(alice.owner)
    claim = lifecycle.claim("cpu", worker="here", pid=42, task_id="task")
    job = fresh(claim.job)
    assert (job.status, job.attempt, claim.attempt) == (Status.RUNNING, 1, 1)
    assert (job.worker, job.worker_pid, job.task_id) == ("here", 42, "task")
    assert job.lease_expires_at - job.started_at == timedelta(seconds=config().lease_seconds)
    assert job.deadline_at - job.started_at == timedelta(seconds=job.deadline_seconds)
    counters_true()


def test_nothing_is_claimed_where_nothing_waits(alice):
    assert lifecycle.claim("cpu") is None
    submit(alice.owner)
    assert lifecycle.claim("gpu") is None
    assert lifecycle.claim("cpu")
    assert lifecycle.claim("cpu") is None


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_many_workers_claim_every_job_once(alice, bob, at_once, counters_true):
    for _ in range(6):
        submit(alice.owner)
        submit(bob.owner)

    def take():
        taken = []
        while claim := lifecycle.claim("cpu"):
            taken.append(claim.job.pk)
        return taken

    taken = list(chain.from_iterable(at_once(*[take] * 4)))
    assert sorted(taken) == sorted(Job.objects.values_list("pk", flat=True))
    assert set(Job.objects.values_list("attempt", flat=True)) == {1}
    counters_true()


def test_a_queue_goes_on_when_somebody_with_waiting_jobs_is_deleted(alice, bob, counters_true):
    submit(alice.owner)
    submit(alice.owner)
    job = submit(bob.owner)
    alice.user.delete()
    assert lifecycle.claim("cpu").job == job
    assert lifecycle.claim("cpu") is None
    counters_true()


# Ending --------------------------------------------------------------------------------------------------


def test_a_finished_job_shows_its_outputs(alice, stored):
    job, claim = claimed(alice.owner)
    outcome = stored(claim)
    assert not job.outputs.exists()
    assert lifecycle.finish(claim, outcome)
    job = fresh(job)
    assert (job.status, job.run_seconds) == (Status.SUCCEEDED, 0.5)
    assert job.finished_at >= job.started_at
    assert [output.output for output in job.outputs.all()] == ["result"]


def test_a_failed_job_says_why(alice):
    job, claim = claimed(alice.owner)
    assert lifecycle.fail(claim, "bad_input", saying("Take another photo."))
    job = fresh(job)
    assert (job.status, job.error_code, job.error_message) == (
        Status.FAILED,
        "bad_input",
        "Take another photo.",
    )
    assert job.finished_at


def test_finishing_twice_is_the_same_as_once(alice, stored):
    """Where the answer to a commit was lost, the worker asks again; its outputs must not be taken for leftovers."""
    _, claim = claimed(alice.owner)
    outcome = stored(claim)
    assert lifecycle.finish(claim, outcome)
    assert lifecycle.finish(claim, outcome)
    assert Asset.objects.count() == 1


@pytest.mark.parametrize("status", ENDED)
def test_a_job_that_has_ended_stays_as_it_is(alice, status):
    job = in_status(alice.owner, status)
    stale = lifecycle.Claim(job, job.attempt)
    before = Job.objects.filter(pk=job.pk).values().get()
    if status != Status.SUCCEEDED:
        assert not lifecycle.finish(stale, Outcome())
    assert not lifecycle.fail(stale, "internal", saying("No."))
    assert not lifecycle.stop(stale)
    assert not lifecycle.hand_back(stale)
    assert not lifecycle.lose(job)
    assert lifecycle.renew(stale) is Lease.LOST
    with pytest.raises(Refused) as refusal:
        lifecycle.cancel(job)
    assert (refusal.value.code, refusal.value.status) == ("already_ended", 409)
    reaper.reap()
    assert Job.objects.filter(pk=job.pk).values().get() == before


@pytest.mark.parametrize("then", ["queued", "running"])
def test_a_worker_given_up_for_dead_writes_nothing(alice, then, counters_true, stored):
    job, zombie = claimed(alice.owner)
    expire_lease(job)
    reaper.reap()
    if then == "running":
        heir = lifecycle.claim("cpu", worker="there")
        assert (heir.job, heir.attempt) == (job, 2)
    before = Job.objects.filter(pk=job.pk).values().get()
    assert not lifecycle.finish(zombie, stored(zombie))
    assert not lifecycle.fail(zombie, "internal", saying("No."))
    assert not lifecycle.stop(zombie)
    assert not lifecycle.hand_back(zombie)
    assert lifecycle.renew(zombie) is Lease.LOST
    assert Job.objects.filter(pk=job.pk).values().get() == before
    assert not Asset.objects.exists()
    if then == "running":
        assert lifecycle.finish(heir, Outcome())
    counters_true()


# Trying again --------------------------------------------------------------------------------------------


def test_a_failed_job_can_be_tried_again(alice, counters_true):
    job = in_status(alice.owner, Status.FAILED)
    submission.retry(job)
    job = fresh(job)
    assert (job.status, job.error_code, job.error_message, job.finished_at) == (Status.QUEUED, "", "", None)
    counters_true()
    assert lifecycle.claim("cpu").attempt == 2


def test_a_job_tried_again_after_three_losses_may_be_lost_again(alice):
    job, _ = claimed(alice.owner)
    Job.objects.filter(pk=job.pk).update(losses=2)
    expire_lease(job)
    reaper.reap()
    assert fresh(job).status == Status.FAILED
    submission.retry(fresh(job))
    lifecycle.claim("cpu")
    expire_lease(job)
    reaper.reap()
    assert (fresh(job).status, fresh(job).losses) == (Status.QUEUED, 1)


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.SUCCEEDED, Status.CANCELLED])
def test_only_a_failed_job_is_tried_again(alice, status, counters_true):
    job = in_status(alice.owner, status)
    with pytest.raises(Refused) as refusal:
        submission.retry(job)
    assert (refusal.value.code, refusal.value.status) == ("not_failed", 409)
    assert fresh(job).status == status
    counters_true()


def test_a_job_whose_photo_is_gone_is_not_tried_again(alice, photo):
    picture = photo(alice.owner)
    job = submit_one(alice.owner, "instant", {}, {"photo": [picture]})
    lifecycle.fail(lifecycle.claim("cpu"), "internal", saying("Oh no."))
    picture.delete()
    with pytest.raises(Refused) as refusal:
        submission.retry(job)
    assert refusal.value.code == "photo_gone"


def test_a_job_of_an_operation_that_is_no_more_is_not_tried_again(alice):
    job = in_status(alice.owner, Status.FAILED)
    Job.objects.filter(pk=job.pk).update(operation="juggle")
    with pytest.raises(Refused) as refusal:
        submission.retry(fresh(job))
    assert refusal.value.code == "unknown_operation"


# Whatever happens ----------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from([*["submit"] * 3, *["claim"] * 2, "finish", "fail", "stop", "hand_back", "renew"])
        | st.sampled_from(["cancel", "retry", "delete", "expire", "reap"]),
        st.integers(0, 7),
    ),
    max_size=40,
)


@pytest.mark.slow
@given(steps=STEPS)
@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_counters_are_true_whatever_happens(alice, bob, visitor, counters_true, steps):
    owners = [alice.owner, bob.owner, visitor]
    with transaction.atomic():
        claims = []
        for name, number in steps:
            jobs = list(Job.objects.order_by("pk"))
            job = jobs[number % len(jobs)] if jobs else None
            claim = claims[number % len(claims)] if claims else None
            match name:
                case "submit":
                    submit(owners[number % 3], "nap", seconds=number)
                case "claim":
                    if taken := lifecycle.claim("cpu"):
                        claims.append(taken)
                case "finish" if claim:
                    lifecycle.finish(claim, Outcome())
                case "fail" if claim:
                    lifecycle.fail(claim, "internal", saying("Oh no."))
                case "stop" | "hand_back" | "renew" if claim:
                    getattr(lifecycle, name)(claim)
                case "cancel" if job:
                    with suppress(Refused):
                        lifecycle.cancel(job)
                case "retry" if job:
                    with suppress(Refused):
                        submission.retry(job)
                case "delete" if job:
                    deletion.delete(job)
                case "expire" if job:
                    Job.objects.filter(pk=job.pk, status=Status.RUNNING).update(
                        lease_expires_at=Now() - timedelta(seconds=1)
                    )
                case "reap":
                    reaper.reap()
        counters_true()
        transaction.set_rollback(True)


# The database goes away ----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_database_that_goes_away_under_a_run_costs_one_more_run(alice, monkeypatch, media):
    def away(*_):
        raise OperationalError("the connection is closed")

    job, claim = claimed(alice.owner)
    with monkeypatch.context() as patch:
        patch.setattr(runner, "_inputs", away)
        runner.run(claim)
    assert (fresh(job).status, fresh(job).losses, fresh(job).error_code) == (Status.QUEUED, 1, "")
    runner.run(lifecycle.claim("cpu"))
    assert fresh(job).status == Status.SUCCEEDED
