"""The rules of a job's life, without a worker."""

import math
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import chain

import pytest
from django.db import OperationalError, transaction
from django.db.models.functions import Now
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from jobs.errors import Refused
from jobs.models import FairShare, Job, JobEvent, JobInput, Output, Owner
from jobs.queue import adoption, broker, deletion, lifecycle, reaper, submission
from jobs.queue.lifecycle import Lease, Outcome
from jobs.work import runner
from tests.support import saying, submit, submit_one
from webapp.config import config

pytestmark = pytest.mark.django_db

Status = Job.Status
ENDED = (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)


def claimed(owner):
    """A running job and the claim to it."""
    submit(owner)
    claim = lifecycle.claim("cpu", worker="here", pid=1, task_id="task")
    return claim.job, claim


def in_status(owner, status):
    job, claim = claimed(owner)
    match status:
        case Status.QUEUED:
            lifecycle.hand_back(claim)
        case Status.SUCCEEDED:
            lifecycle.finish(claim, Outcome())
        case Status.FAILED:
            lifecycle.fail(claim, "internal", saying("Oh no."))
        case Status.CANCELLED:
            lifecycle.cancel(job)
            lifecycle.stop(claim)
    job.refresh_from_db()
    assert job.status == status
    return job


def expire_lease(job):
    Job.objects.filter(pk=job.pk).update(lease_expires_at=Now() - timedelta(seconds=1))


def fresh(job):
    return Job.objects.get(pk=job.pk)


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


# Idempotency ---------------------------------------------------------------------------------------------


def test_the_same_key_gives_the_same_job(alice, bob):
    first = submit_one(alice.owner, "nap", {"seconds": 1}, {}, idempotency_key="k")
    again = submit_one(alice.owner, "nap", {"seconds": 1}, {}, idempotency_key="k")
    assert first == again
    assert Job.objects.count() == 1
    assert submit_one(bob.owner, "nap", {"seconds": 1}, {}, idempotency_key="k") != first
    assert submit_one(alice.owner, "nap", {"seconds": 1}, {}, idempotency_key="l") != first


@pytest.mark.parametrize(
    ("operation", "params", "seed"),
    [("nap", {"seconds": 2}, None), ("deaf", {"seconds": 1}, None), ("nap", {"seconds": 1}, 5)],
)
def test_the_same_key_for_another_request_is_refused(alice, operation, params, seed):
    submit_one(alice.owner, "nap", {"seconds": 1}, {}, idempotency_key="k")
    with pytest.raises(Refused) as refusal:
        submit_one(alice.owner, operation, params, {}, seed=seed, idempotency_key="k")
    assert (refusal.value.code, refusal.value.status) == ("idempotency_conflict", 409)
    assert Job.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_the_same_moment_makes_one_job(alice, at_once, counters_true):
    def ask():
        return submit_one(alice.owner, "instant", {}, {}, idempotency_key="k").pk

    assert len(set(at_once(*[ask] * 8))) == 1
    assert Job.objects.count() == 1
    counters_true()


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
    assert [output.name for output in job.outputs.all()] == ["result"]


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
    assert Output.objects.count() == 1


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
    assert not Output.objects.exists()
    if then == "running":
        assert lifecycle.finish(heir, Outcome())
    counters_true()


# Leases --------------------------------------------------------------------------------------------------


def test_renewing_holds_the_lease(alice):
    job, claim = claimed(alice.owner)
    expire_lease(job)
    assert lifecycle.renew(claim) is Lease.HELD
    assert reaper.reap() == 0
    assert fresh(job).status == Status.RUNNING


def test_an_expired_lease_queues_the_job_again(alice, counters_true):
    job, _ = claimed(alice.owner)
    assert reaper.reap() == 0
    expire_lease(job)
    assert reaper.reap() == 1
    assert reaper.reap() == 0
    job = fresh(job)
    assert (job.status, job.losses, job.attempt, job.started_at) == (Status.QUEUED, 1, 1, None)
    counters_true()


def test_the_third_loss_ends_the_job(alice, counters_true):
    job, _ = claimed(alice.owner)
    for losses in (1, 2):
        expire_lease(job)
        reaper.reap()
        assert (fresh(job).status, fresh(job).losses) == (Status.QUEUED, losses)
        lifecycle.claim("cpu")
    expire_lease(job)
    reaper.reap()
    job = fresh(job)
    assert (job.status, job.error_code, job.losses, job.attempt) == (Status.FAILED, "worker_lost", 3, 3)
    assert "lost 3 times" in job.error_message
    counters_true()


def test_a_lost_job_keeps_its_place_among_its_owners(alice):
    first, _ = claimed(alice.owner)
    submit(alice.owner)
    expire_lease(first)
    reaper.reap()
    assert lifecycle.claim("cpu").job == first


def test_what_a_lost_attempt_stored_is_thrown_away(alice, stored, media, django_capture_on_commit_callbacks):
    job, claim = claimed(alice.owner)
    stored(claim)
    assert any(str(job.uuid) in name for name in media())
    expire_lease(job)
    with django_capture_on_commit_callbacks(execute=True):
        reaper.reap()
    assert not any(str(job.uuid) in name for name in media())


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_reaps_at_once_count_a_loss_once(alice, at_once, counters_true):
    jobs = [claimed(alice.owner)[0] for _ in range(10)]
    for job in jobs:
        expire_lease(job)
    moved = at_once(*[reaper.reap] * 4)
    assert sum(moved) == 10, moved
    assert set(Job.objects.values_list("status", "losses")) == {(Status.QUEUED, 1)}
    counters_true()


def test_the_jobs_of_a_dead_child_are_given_up_at_once(alice, bob):
    submit(alice.owner)
    submit(bob.owner)
    dead = lifecycle.claim("cpu", worker="here", pid=2**22 + 1).job
    elsewhere = lifecycle.claim("cpu", worker="there", pid=2**22 + 1).job
    reaper.lose_dead_children("here")
    assert (fresh(dead).status, fresh(dead).losses) == (Status.QUEUED, 1)
    assert fresh(elsewhere).status == Status.RUNNING


def test_a_job_that_is_handed_back_was_not_lost(alice, counters_true):
    job, claim = claimed(alice.owner)
    assert lifecycle.hand_back(claim)
    assert (fresh(job).status, fresh(job).losses) == (Status.QUEUED, 0)
    assert not lifecycle.hand_back(claim)
    assert lifecycle.claim("cpu").attempt == 2
    counters_true()


# Deadlines -----------------------------------------------------------------------------------------------


def test_an_overrun_deadline_ends_the_job_even_if_the_worker_says_nothing(alice, monkeypatch):
    ended = []
    monkeypatch.setattr(broker, "end_child", ended.append)
    job, _ = claimed(alice.owner)
    Job.objects.filter(pk=job.pk).update(deadline_at=Now())
    reaper.reap()
    assert fresh(job).status == Status.RUNNING, "its worker has a few seconds to say it itself"
    Job.objects.filter(pk=job.pk).update(
        deadline_at=Now() - timedelta(seconds=config().cancel_grace_seconds + 1)
    )
    reaper.reap()
    job = fresh(job)
    assert (job.status, job.error_code) == (Status.FAILED, "deadline")
    assert "10 minutes" in job.error_message
    assert ended == [job]


def test_a_job_whose_machine_was_off_is_queued_again_and_not_blamed(alice):
    job, _ = claimed(alice.owner)
    hours_ago = Now() - timedelta(hours=2)
    Job.objects.filter(pk=job.pk).update(lease_expires_at=hours_ago, deadline_at=hours_ago)
    reaper.reap()
    assert (fresh(job).status, fresh(job).losses) == (Status.QUEUED, 1)


# The clock is set ----------------------------------------------------------------------------------------


def test_a_clock_set_ahead_does_not_end_a_job_that_a_worker_holds(alice):
    job, claim = claimed(alice.owner)
    hours_ago = Now() - timedelta(hours=2)
    Job.objects.filter(pk=job.pk).update(lease_expires_at=hours_ago, deadline_at=hours_ago)
    assert lifecycle.renew(claim, seconds_left=60) is Lease.HELD
    assert reaper.reap() == 0
    assert fresh(job).status == Status.RUNNING
    assert fresh(job).deadline_at - fresh(job).lease_expires_at == timedelta(
        seconds=60 - config().lease_seconds
    )


def test_a_clock_set_back_does_not_leave_a_lost_job_to_a_far_lease(alice):
    job, _ = claimed(alice.owner)
    Job.objects.filter(pk=job.pk).update(lease_expires_at=Now() + timedelta(hours=2))
    reaper.reap()
    latest = Job.objects.filter(
        pk=job.pk, lease_expires_at__lte=Now() + timedelta(seconds=config().lease_seconds)
    )
    assert latest.exists()


def test_a_clock_set_back_makes_nobody_wait_for_the_others(alice, bob):
    submit(alice.owner)
    submit(bob.owner)
    FairShare.objects.filter(key=alice.owner.fair_share_key).update(last_served=Now() + timedelta(hours=2))
    reaper.reap()
    assert lifecycle.claim("cpu").job.owner == bob.owner
    submit(bob.owner)
    assert lifecycle.claim("cpu").job.owner == alice.owner, "whose turn was two hours away"


# Cancelling ----------------------------------------------------------------------------------------------


def test_a_queued_job_is_cancelled_at_once(alice, counters_true):
    job = submit(alice.owner)
    lifecycle.cancel(job)
    assert (fresh(job).status, bool(fresh(job).finished_at)) == (Status.CANCELLED, True)
    assert lifecycle.claim("cpu") is None
    counters_true()


def test_a_running_job_is_asked_to_stop(alice, stored):
    job, claim = claimed(alice.owner)
    lifecycle.cancel(job)
    assert fresh(job).status == Status.RUNNING
    assert lifecycle.renew(claim) is Lease.CANCEL_REQUESTED
    assert not lifecycle.finish(claim, stored(claim)), "it shows no outputs, even if it came to its end"
    assert lifecycle.stop(claim)
    assert fresh(job).status == Status.CANCELLED
    assert not Output.objects.exists()


def test_cancelling_twice_is_the_same_as_once(alice):
    job, _ = claimed(alice.owner)
    lifecycle.cancel(job)
    asked = fresh(job).cancel_requested_at
    lifecycle.cancel(job)
    assert fresh(job).cancel_requested_at == asked, "the grace counts from the first time"


def test_a_cancel_that_is_not_heeded_ends_the_child(alice, monkeypatch):
    ended = []
    monkeypatch.setattr(broker, "end_child", ended.append)
    job, _ = claimed(alice.owner)
    lifecycle.cancel(job)
    reaper.reap()
    assert fresh(job).status == Status.RUNNING
    late = Now() - timedelta(seconds=config().cancel_grace_seconds + 1)
    Job.objects.filter(pk=job.pk).update(cancel_requested_at=late)
    reaper.reap()
    assert fresh(job).status == Status.CANCELLED
    assert ended == [job]


@pytest.mark.parametrize("gone", ["lost", "told to go"])
def test_a_cancelled_job_whose_worker_goes_does_not_run_again(alice, gone, counters_true):
    job, claim = claimed(alice.owner)
    before_it_was_cancelled = fresh(job)
    lifecycle.cancel(job)
    moved = lifecycle.hand_back(claim) if gone == "told to go" else lifecycle.lose(before_it_was_cancelled)
    assert moved
    assert fresh(job).status == Status.CANCELLED
    assert lifecycle.claim("cpu") is None
    counters_true()


@pytest.mark.django_db(transaction=True)
def test_cancel_and_finish_at_once_give_one_end(alice, at_once, stored):
    for _ in range(5):
        job, claim = claimed(alice.owner)
        outcome = stored(claim)
        cancelled, finished = at_once(
            partial(lifecycle.cancel, job), partial(lifecycle.finish, claim, outcome)
        )
        if finished is True:
            assert isinstance(cancelled, Refused)
            assert (fresh(job).status, job.outputs.count()) == (Status.SUCCEEDED, 1)
        else:
            assert lifecycle.stop(claim)
            assert (fresh(job).status, job.outputs.count()) == (Status.CANCELLED, 0)


@pytest.mark.django_db(transaction=True)
def test_cancel_and_claim_at_once_do_not_both_win(alice, at_once, counters_true):
    for _ in range(5):
        job = submit(alice.owner)
        _, claim = at_once(partial(lifecycle.cancel, job), partial(lifecycle.claim, "cpu"))
        if claim is None:
            assert fresh(job).status == Status.CANCELLED
        else:
            assert (fresh(job).status, bool(fresh(job).cancel_requested_at)) == (Status.RUNNING, True)
            assert lifecycle.stop(claim)
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


# Deleting ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", list(Status))
def test_a_job_can_be_deleted_in_every_state(alice, status, counters_true):
    job = in_status(alice.owner, status)
    deletion.delete(job)
    assert not Job.objects.exists()
    assert {event.job for event in JobEvent.objects.all()} == {None}  # they outlive it
    assert lifecycle.claim("cpu") is None
    counters_true()
    deletion.delete(job)


def test_the_files_go_with_the_job(alice, stored, media, django_capture_on_commit_callbacks):
    job, claim = claimed(alice.owner)
    lifecycle.finish(claim, stored(claim))
    with django_capture_on_commit_callbacks(execute=True):
        deletion.delete(job)
    assert not any(str(job.uuid) in name for name in media())


def test_the_worker_of_a_deleted_job_finds_its_lease_lost(alice):
    job, claim = claimed(alice.owner)
    deletion.delete(job)
    assert lifecycle.renew(claim) is Lease.LOST
    assert not lifecycle.finish(claim, Outcome())
    assert not lifecycle.stop(claim)


# Changing hands ------------------------------------------------------------------------------------------


def test_a_visitors_jobs_take_the_turn_of_the_member_they_become(alice, bob, visitor, counters_true):
    ran, _ = claimed(visitor)
    waits, cancelled, deleted = (submit(visitor) for _ in range(3))
    adoption.adopt(visitor, alice.owner)
    counters_true()
    assert set(Job.objects.values_list("owner", flat=True)) == {alice.owner.pk}
    assert fresh(waits).fair_share.key == alice.owner.fair_share_key
    lifecycle.cancel(cancelled)
    deletion.delete(deleted)
    expire_lease(ran)
    reaper.reap()
    counters_true()


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
