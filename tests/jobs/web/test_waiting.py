"""A program has the answer wait for the end of a job."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
import redis as redis_errors
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.models import Job
from jobs.queue import lifecycle, live
from jobs.web.api import waiting
from jobs.web.api.waiting import preferred_seconds
from tests.conftest import Person
from tests.jobs.web.test_api import Program
from tests.support import Redis, saying, submit, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("operations", "redis")]
JOB = {"operation": "instant", "params": {}}


@pytest.fixture
def program(alice: Person) -> Program:
    return Program(alice)


@pytest.fixture
def meanwhile() -> Iterator[Callable[..., Future[Any]]]:
    """Calls functions in threads, each of which lets go of its connection."""
    with ThreadPoolExecutor(16) as pool:

        def call(function: Callable[[], Any]) -> Any:
            try:
                return function()
            finally:
                connection.close()

        yield lambda function: pool.submit(call, function)


def waiters(redis: Redis) -> int:
    channels: Any = redis.client.pubsub_channels("latent:job:*:ended")
    return sum(count for _channel, count in redis.client.pubsub_numsub(*channels)) if channels else 0


def finish(stored: Any) -> Job:
    claim = lifecycle.claim("cpu")
    assert claim
    lifecycle.finish(claim, stored(claim))
    return claim.job


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=10", 10), ("respond-async, wait=10", 10), ("Wait = 5", 5), ('wait="7"; x=y', 7), ("wait=600", 60),
        (f"wait={'9' * 5000}", 60), ("wait=3, wait=9", 3), ("", 0), ("wait", 0), ("wait=", 0), ("wait=-1", 0),
        ("wait=0.5", 0), ("await=9", 0), ("respond-async", 0), ("return=minimal;wait=9", 0),
    ],
)  # fmt: skip
def test_what_a_header_prefers(prefer: str, seconds: int) -> None:
    assert preferred_seconds(prefer) == seconds


def test_the_answer_to_a_new_job_waits_for_its_end(
    program: Program, redis: Redis, stored: Any, meanwhile: Callable[..., Future[Any]]
) -> None:
    asked = meanwhile(lambda: program.post("/jobs", JOB, Prefer="wait=30"))
    wait_for(lambda: waiters(redis))
    job = finish(stored)
    answer = asked.result(20)
    assert (answer.status_code, answer["Preference-Applied"]) == (200, "wait=30")
    assert answer["Location"] == f"/api/v1/jobs/{job.uuid}"
    assert answer.json()["status"] == "succeeded"
    assert len(answer.json()["outputs"]) == 1


@pytest.mark.parametrize("ends", ["fail", "cancel"])
def test_the_answer_of_a_job_waits_for_whatever_end(
    program: Program, alice: Person, redis: Redis, meanwhile: Callable[..., Future[Any]], ends: str
) -> None:
    job = submit(alice.owner)
    asked = meanwhile(lambda: program.client.get(f"/api/v1/jobs/{job.uuid}", headers={"Prefer": "wait=30"}))
    wait_for(lambda: waiters(redis))
    if ends == "fail":
        claim = lifecycle.claim("cpu")
        assert claim
        lifecycle.fail(claim, "bad_input", saying("Too dark."))
    else:
        lifecycle.cancel(job)
    answer = asked.result(20)
    assert answer.status_code == 200
    assert answer.json()["status"] == {"fail": "failed", "cancel": "cancelled"}[ends]


def test_while_it_waits_nobody_asks_the_database(
    program: Program, alice: Person, redis: Redis, stored: Any, meanwhile: Callable[..., Future[Any]]
) -> None:
    job = submit(alice.owner)
    got = f"/api/v1/jobs/{job.uuid}"
    asked: list[int] = []

    def ask(**headers: str) -> Any:
        with CaptureQueriesContext(connection) as queries:
            answer = program.client.get(got, headers=headers)
        asked.append(len(queries))
        return answer

    waits = meanwhile(lambda: ask(Prefer="wait=30"))
    wait_for(lambda: waiters(redis))
    for fraction in range(20):
        live.say(job.uuid, fraction / 20)
    finish(stored)
    waits.result(20)
    meanwhile(ask).result(20)
    assert asked[0] <= 2 * asked[1] + 1, "once before, once after, and whether it has ended"


@pytest.mark.slow
def test_after_its_seconds_the_answer_is_what_it_is_then(program: Program) -> None:
    answer = program.post("/jobs", JOB, Prefer="wait=1")
    assert (answer.status_code, answer["Preference-Applied"]) == (202, "wait=1")
    assert answer.json()["status"] == "queued"
    assert "Preference-Applied" not in program.post("/jobs", JOB)


def test_a_job_that_has_ended_is_not_waited_for(
    program: Program, alice: Person, stored: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "wait_for_end", lambda *_: 1 / 0)
    submit(alice.owner)
    job = finish(stored)
    answer = program.client.get(f"/api/v1/jobs/{job.uuid}", headers={"Prefer": "wait=30"})
    assert answer.json()["status"] == "succeeded"


def test_an_end_between_the_look_and_the_wait_is_not_missed(
    program: Program, stored: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = live.wait_for_end

    def ended_just_before(name: UUID, seconds: float, has_ended: Callable[[], bool]) -> None:
        finish(stored)
        wait(name, seconds, has_ended)

    monkeypatch.setattr(live, "wait_for_end", ended_just_before)
    assert program.post("/jobs", JOB, Prefer="wait=60").status_code == 200


@pytest.mark.slow
def test_one_deleted_meanwhile_is_not_there(
    program: Program, redis: Redis, meanwhile: Callable[..., Future[Any]]
) -> None:
    asked = meanwhile(lambda: program.post("/jobs", JOB, Prefer="wait=2"))
    wait_for(lambda: waiters(redis))
    program.delete(f"/jobs/{Job.objects.get().uuid}")
    assert asked.result(20).status_code == 404


def test_few_wait_and_the_others_are_told_to_come_back(
    program: Program, charlie: Person, redis: Redis, stored: Any, meanwhile: Callable[..., Future[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(waiting, "MOST", 3)
    monkeypatch.setattr(waiting, "MOST_OF_ONE", 2)
    waits = [meanwhile(lambda: program.post("/jobs", JOB, Prefer="wait=30")) for _ in range(2)]
    wait_for(lambda: waiters(redis) == 2)
    too_many = program.post("/jobs", JOB, Prefer="wait=30")
    assert (too_many.status_code, too_many["Retry-After"]) == (202, "1")
    assert "Preference-Applied" not in too_many
    waits.append(meanwhile(lambda: Program(charlie).post("/jobs", JOB, Prefer="wait=30")))
    wait_for(lambda: waiters(redis) == 3)
    for _ in range(4):
        finish(stored)
    assert {each.result(20).status_code for each in waits} == {200}
    assert not waiting._present


def test_without_redis_the_answer_goes_at_once(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Any:
        raise redis_errors.ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(live, "client", away)
        assert program.post("/jobs", JOB, Prefer="wait=60").status_code == 202


def test_a_thread_that_waits_has_another_in_its_place(program: Program) -> None:
    parked = threading.Event()

    class Parking:
        def __enter__(self) -> bool:
            parked.set()
            return False

        def __exit__(self, *_: object) -> None:
            """Nothing."""

    program.client.defaults["latent.parked"] = Parking
    answer = program.post("/jobs", JOB, Prefer="wait=60")
    assert parked.is_set()
    assert (answer.status_code, answer["Retry-After"]) == (202, "1"), "the web server says that too many wait"
