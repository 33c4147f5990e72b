"""Events are the timeline of a job and the outbox in one."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from jobs.library import retention
from jobs.models import JobEvent
from jobs.queue import deletion, lifecycle
from tests.support import saying, submit


def test_an_event_is_written_in_the_transaction_of_the_change(alice: Any) -> None:
    job = submit(alice.owner)
    with transaction.atomic():
        lifecycle.cancel(job)
        assert JobEvent.objects.count() == 2
        transaction.set_rollback(True)
    assert [event.code for event in JobEvent.objects.all()] == ["submitted"]


def test_an_event_outlives_its_job_with_what_is_delivered_of_it(alice: Any) -> None:
    job = submit(alice.owner)
    claim = lifecycle.claim("cpu", worker="here")
    assert claim
    lifecycle.fail(claim, "bad_input", saying("Too dark."))
    deletion.delete(job)
    events = list(JobEvent.objects.all())
    assert [(event.job, event.delivered_at) for event in events] == [(None, None)] * 3
    assert [event.detail for event in events] == ["submitted", "by here", "Too dark."]
    assert events[-1].snapshot == {
        "job": str(job.uuid),
        "owner": str(alice.owner.pk),
        "operation": "instant",
        "status": "failed",
        "batch": None,
        "attempt": 1,
        "error": {"code": "bad_input", "reason": "test.Too dark.", "values": {}},
    }


def test_events_without_a_job_go_when_their_time_is_up_and_with_their_owner(alice: Any, bob: Any) -> None:
    for person in (alice, bob):
        deletion.delete(submit(person.owner))
    kept = submit(bob.owner)
    old = timezone.now() - timedelta(days=400)
    JobEvent.objects.filter(snapshot__owner=str(alice.owner.pk)).update(at=old)
    JobEvent.objects.filter(job=kept).update(at=old)
    retention.clean()
    assert JobEvent.objects.count() == 2
    retention.delete_belongings(bob.owner)
    assert [event.job for event in JobEvent.objects.all()] == [None]
