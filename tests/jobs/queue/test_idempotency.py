"""The same request, sent twice."""

import pytest

from jobs.errors import Refused
from jobs.models import Job
from tests.support import submit_one

pytestmark = pytest.mark.django_db


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
