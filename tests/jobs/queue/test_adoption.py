"""What a visitor made, when it becomes a member's."""

import pytest

from jobs.models import Job
from jobs.queue import adoption, deletion, lifecycle, reaper
from tests.jobs.queue.states import claimed, expire_lease, fresh
from tests.support import submit

pytestmark = pytest.mark.django_db


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
