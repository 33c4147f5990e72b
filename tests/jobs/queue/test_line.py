"""Who is next, where everybody stands, and for how long."""

import re
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from jobs.models import FairShare, Job, Owner
from jobs.queue import broker, deletion, lifecycle, line, live, reaper, workers
from tests.support import saying, submit

pytestmark = pytest.mark.django_db


def claim_all():
    """The jobs in the order in which they start."""
    order = []
    while claim := lifecycle.claim("cpu"):
        order.append(claim.job)
    return order


def place(job):
    return line.place(Job.objects.get(pk=job.pk))


# The order -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_one_persons_batch_does_not_hold_up_the_others(alice, bob):
    for _ in range(50):
        submit(alice.owner)
    lifecycle.claim("cpu")
    job = submit(bob.owner)
    assert place(job).position == 1
    assert lifecycle.claim("cpu").job == job


def test_people_take_turns(alice, bob, charlie):
    owners = [alice.owner, bob.owner, charlie.owner]
    for owner in owners:
        for _ in range(3):
            submit(owner)
    assert [job.owner for job in claim_all()] == owners * 3


def test_an_owners_jobs_start_by_priority_then_age(alice):
    first, second, urgent = (submit(alice.owner) for _ in range(3))
    Job.objects.filter(pk=urgent.pk).update(priority=5)
    assert claim_all() == [urgent, first, second]


def test_queues_are_served_apart(alice, bob):
    submit(alice.owner)
    job = submit(bob.owner)
    gpu = FairShare.objects.create(key=bob.owner.fair_share_key, queue="gpu", waiting=1)
    FairShare.objects.filter(pk=job.fair_share_id).update(waiting=0)
    Job.objects.filter(pk=job.pk).update(queue="gpu", fair_share=gpu)
    assert lifecycle.claim("gpu").job == job
    assert place(Job.objects.queued().get()).position == 1


# Places --------------------------------------------------------------------------------------------------


def test_only_a_job_that_waits_has_a_place(alice):
    job = submit(alice.owner)
    assert place(job).position == 1
    lifecycle.claim("cpu")
    assert place(job) is None


@pytest.mark.slow
@given(
    served=st.lists(st.integers(0, 3), min_size=4, max_size=4),
    jobs=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=14),
)
@hypothesis_settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_places_are_the_order_in_which_the_jobs_start(db, served, jobs):
    with transaction.atomic():
        owners = [Owner.objects.create() for _ in served]
        for owner, ago in zip(owners, served, strict=True):
            last_served = (
                Now() - timedelta(seconds=ago) if ago else FairShare._meta.get_field("last_served").default
            )
            FairShare.objects.create(key=owner.fair_share_key, queue="cpu", last_served=last_served)
        for owner, priority in jobs:
            job = submit(owners[owner])
            Job.objects.filter(pk=job.pk).update(priority=priority)
        waiting = Job.objects.queued()
        expected = sorted(waiting, key=lambda job: place(job).position)
        assert [place(job).position for job in expected] == list(range(1, len(jobs) + 1))
        assert claim_all() == expected
        transaction.set_rollback(True)


# Times ---------------------------------------------------------------------------------------------------


def test_the_wait_is_what_goes_before_and_what_still_runs(alice, bob):
    submit(alice.owner, "nap", seconds=100)
    lifecycle.claim("cpu")
    Job.objects.running().update(started_at=Now() - timedelta(seconds=40))
    submit(alice.owner, "nap", seconds=7)
    mine = submit(bob.owner, "nap", seconds=5)
    last = submit(alice.owner, "nap", seconds=1)
    assert place(mine).seconds == pytest.approx(60, abs=0.5)
    assert place(last).position == 3
    assert place(last).seconds == pytest.approx(60 + 7 + 5, abs=0.5)


def test_two_workers_halve_the_wait(alice, redis):
    submit(alice.owner, "nap", seconds=100)
    job = submit(alice.owner, "nap", seconds=1)
    assert place(job).seconds == pytest.approx(100)
    for name in ("one", "two"):
        workers.i_am_here(name, ["cpu"], "cpu")
    workers.i_am_here("three", ["gpu"], "cuda")
    assert place(job).seconds == pytest.approx(50)


def finished(owner, seconds, took):
    job = submit(owner, "nap", seconds=seconds)
    Job.objects.filter(pk=job.pk).update(run_seconds=took)
    claim = lifecycle.claim("cpu")
    lifecycle.finish(claim, lifecycle.Outcome(run_seconds=took))


def test_the_estimate_learns_from_history(alice):
    assert submit(alice.owner, "nap", seconds=10).expected_seconds == 10
    lifecycle.claim("cpu")
    for took in (20, 30, 30, 300):
        finished(alice.owner, 10, took)
    assert submit(alice.owner, "nap", seconds=20).expected_seconds == pytest.approx(60)
    assert submit(alice.owner, "deaf", seconds=20).expected_seconds == 20, "another operation"


def test_a_few_runs_prove_nothing(alice):
    for _ in range(2):
        finished(alice.owner, 10, 30)
    assert submit(alice.owner, "nap", seconds=10).expected_seconds == 10


def test_the_overhead_of_small_photos_says_nothing_of_large_ones(alice):
    for _ in range(5):
        finished(alice.owner, 0.01, 0.2)
    assert submit(alice.owner, "nap", seconds=100).expected_seconds == 100


# Messages and workers ------------------------------------------------------------------------------------


def test_a_queue_in_which_a_message_waits_is_not_announced_again(alice, redis):
    for _ in range(3):
        broker.announce_if_silent("cpu")
    assert redis.client.llen("cpu") == 1


def test_a_job_says_that_there_is_more_only_if_there_is(alice, redis):
    broker.announce_rest("cpu")
    assert redis.client.llen("cpu") == 0
    submit(alice.owner)
    broker.announce_rest("cpu")
    assert redis.client.llen("cpu") == 1


def test_reap_announces_work_of_which_the_message_is_lost(alice, redis):
    submit(alice.owner)
    redis.client.flushall()
    reaper.reap()
    reaper.reap()
    assert redis.client.llen("cpu") == 1


@pytest.mark.parametrize("seconds", [61, -3600], ids=["nothing said", "clock set back"])
def test_a_worker_that_says_nothing_for_a_minute_is_away_and_after_an_hour_forgotten(
    redis, monkeypatch, seconds
):
    workers.i_am_here("old", ["cpu"], "cpu")
    assert [worker.name for worker in workers.workers()] == ["old"]
    begun = time.time()
    monkeypatch.setattr(time, "time", lambda: begun + seconds)
    assert workers.workers() == []
    workers.i_am_here("new", ["cpu"], "cpu")
    assert [worker.name for worker in workers.known_workers()] == ["new", "old"]
    monkeypatch.setattr(time, "time", lambda: begun + 3601)
    workers.i_am_here("new", ["cpu"], "cpu")
    assert redis.client.hkeys(workers.WORKERS) == [b"new"]


@pytest.mark.django_db(transaction=True)
def test_without_redis_all_that_is_a_hint_is_left_out_at_once(alice, redis, tries, pauses):
    redis.kill()
    job = submit(alice.owner)
    assert len(tries) <= 4, "the broker is tried twice, by two of its parts, and no more often"
    assert place(job).position == 1
    claim = lifecycle.claim("cpu")
    live.say(job.uuid, 0.5, saying("half"))
    assert live.read(job.uuid) == live.Live()
    assert live.version(job.uuid) == ""
    assert workers.workers() == []
    workers.i_am_here("here", ["cpu"], "cpu")
    lifecycle.cancel(job)
    assert lifecycle.stop(claim)
    submit(alice.owner)
    reaper.reap()
    deletion.delete(job)
    assert pauses == [], "nobody waits for what is a hint"
    assert len(tries) <= 40, "each hint is tried twice, since a connection may be older than the server"


# A hundred thousand --------------------------------------------------------------------------------------


def plan(query: str, params: tuple = ()) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {query}", params)
        return " / ".join(row[-1] for row in cursor.fetchall())


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="reads SQLite's own query plan")
def test_claim_and_place_look_only_where_they_must(alice, bob):
    """Whatever the length of the queue: index look-ups, and of the others' shares only those that wait."""
    for owner in (alice.owner, bob.owner):
        for _ in range(3):
            submit(owner)
    job = Job.objects.queued().last()
    with CaptureQueriesContext(connection) as placing:
        line.place(job)
    with CaptureQueriesContext(connection) as claiming:
        lifecycle.claim("cpu")
    assert len(placing) <= 4
    assert len([query for query in claiming if "SAVEPOINT" not in query["sql"]]) <= 5
    for query in (*placing, *claiming):
        if not query["sql"].strip().startswith(("SELECT", "UPDATE", "WITH")):
            continue
        steps = plan(query["sql"])
        assert "TEMP B-TREE" not in steps, query["sql"]
        assert not re.search(r"SCAN (jobs_|other)", steps), f"{steps}: {query['sql']}"


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow_with_the_queue(alice, bob, django_assert_max_num_queries):
    for _ in range(30):
        submit(alice.owner)
    with django_assert_max_num_queries(12):
        submit(bob.owner)
