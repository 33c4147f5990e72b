"""A job that somebody no longer wants."""

from datetime import timedelta
from functools import partial

import pytest
from django.db.models.functions import Now

from jobs.errors import Refused
from jobs.models import Asset, Job
from jobs.queue import broker, lifecycle, reaper
from jobs.queue.lifecycle import Lease
from tests.jobs.queue.states import claimed, fresh
from tests.support import submit
from webapp.config import config

pytestmark = pytest.mark.django_db

Status = Job.Status


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
    assert not Asset.objects.exists()


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
