"""Jobs that an admin looks at, and what an admin does to them."""

from django.urls import reverse

from jobs.models import Job
from jobs.queue import lifecycle
from jobs.queue.lifecycle import Outcome
from tests.support import saying, submit_one

Status = Job.Status
JOBS = "admin:jobs_job_changelist"


def page_of(job):
    return reverse("admin:jobs_job_change", args=[job.pk])


def waiting(owner, operation="nap", *photos):
    return submit_one(owner, operation, {}, {"photo": photos} if photos else {})


def claimed(owner, operation="nap", *photos, worker="worker@here"):
    job = waiting(owner, operation, *photos)
    claim = lifecycle.claim("cpu", worker=worker, pid=1, task_id="task")
    assert claim.job == job
    return claim


def failed(owner, code="internal"):
    claim = claimed(owner)
    lifecycle.fail(claim, code, saying("Oh no, it broke."))
    claim.job.refresh_from_db()
    return claim.job


def succeeded(owner, operation="nap", *photos, outcome=lambda claim: Outcome(run_seconds=0.5)):
    claim = claimed(owner, operation, *photos, worker="worker@there")
    lifecycle.finish(claim, outcome(claim))
    claim.job.refresh_from_db()
    return claim.job


def act(client, action, *jobs, query="", **fields):
    """Run an action of the list of jobs; the page that follows."""
    data = {"action": action, "_selected_action": [job.pk for job in jobs], **fields}
    return client.post(reverse(JOBS) + query, data, follow=True)


def listed(client, query):
    """The jobs that the list shows."""
    response = client.get(f"{reverse(JOBS)}?{query}")
    assert response.status_code == 200
    return list(response.context["cl"].result_list)
