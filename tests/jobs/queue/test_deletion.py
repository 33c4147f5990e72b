"""A job that goes, with its files and its place."""

import pytest

from jobs.models import Job, JobEvent
from jobs.queue import deletion, lifecycle
from jobs.queue.lifecycle import Lease, Outcome
from tests.jobs.queue.states import ENDED, claimed, in_status

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("status", [*ENDED, Job.Status.QUEUED, Job.Status.RUNNING])
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
