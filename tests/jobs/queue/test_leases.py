"""A job whose worker is lost, is late or lives by another clock."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from jobs.models import FairShare, Job
from jobs.queue import broker, lifecycle, reaper
from jobs.queue.lifecycle import Lease
from tests.jobs.queue.states import claimed, expire_lease, fresh
from tests.support import submit
from webapp.config import config

pytestmark = pytest.mark.django_db

Status = Job.Status


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
