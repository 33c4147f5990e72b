"""Jobs that have come somewhere in their life."""

from datetime import timedelta

from django.db.models.functions import Now

from jobs.models import Job
from jobs.queue import lifecycle, submission
from jobs.queue.lifecycle import Outcome
from jobs.queue.request import Request, Step
from tests.support import saying, submit

Status = Job.Status
ENDED = (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)


def chained(owner, *operations, photos=({},), name=None):
    """The jobs of a chain, those of one photo behind each other."""
    return submission.submit(Request(owner, [Step(each) for each in operations], photos, name=name))


def claimed(owner):
    """A running job and the claim to it."""
    submit(owner)
    claim = lifecycle.claim("cpu", worker="here", pid=1, task_id="task")
    return claim.job, claim


def in_status(owner, status):
    if status == Status.BLOCKED:
        return chained(owner, "instant", "instant")[1]
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
