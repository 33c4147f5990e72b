"""A short run of the fault suite; and that its checker sees what it is there to see."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from jobs import lifecycle
from jobs.models import Job, JobEvent, Output, Turn
from tests.conftest import Person
from tests.faults.checker import report
from tests.faults.run import run
from tests.support import submit


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_stack_that_is_broken_again_and_again_loses_nothing(tmp_path: Path) -> None:
    found = run(tmp_path, 20, seed=4, pause=0.3)
    print(found.table())
    assert found.well
    assert found.accepted > 20
    assert sum(found.faults.values()) >= 3


# The checker ---------------------------------------------------------------------------------------------


def an_event_more(job: Job) -> None:
    JobEvent.objects.create(job=job, status="succeeded", attempt=1)


def an_output_more(job: Job) -> None:
    output = job.outputs.get()
    output.pk, output.position, output.attempt = None, 1, 2
    output.save(force_insert=True)


def other_bytes(job: Job) -> None:
    Path(job.outputs.get().file.path).write_bytes(b"half a pict")


SABOTAGE: dict[str, Callable[[Job], Any]] = {
    "lost": lambda job: job.delete(),
    "stuck": lambda job: Job.objects.update(status="running"),
    "ended twice": an_event_more,
    "doubled": an_output_more,
    "miscounted": lambda job: Turn.objects.update(waiting=1),
    "orphaned files": lambda job: Output.objects.all().delete(),
    "missing files": lambda job: Path(job.outputs.get().file.path).unlink(),
    "damaged files": other_bytes,
    "left behind": lambda job: (settings.HOME / "scratch" / "half a run").mkdir(),
}


@pytest.fixture
def job(alice: Person, rooms: None, redis: Any, media: Any, stored: Any) -> Job:
    made = submit(alice.owner)
    claim = lifecycle.claim("cpu")
    assert claim
    outcome = stored(claim)
    assert lifecycle.finish(claim, outcome)
    (settings.HOME / "scratch").mkdir(exist_ok=True)
    return made


@pytest.mark.django_db(transaction=True)
def test_the_checker_finds_nothing_where_all_is_well(job: Job) -> None:
    assert not any(report([str(job.uuid)]).values())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", SABOTAGE)
def test_the_checker_sees_sabotage(job: Job, kind: str) -> None:
    uuid = str(job.uuid)
    SABOTAGE[kind](job)
    try:
        assert report([uuid])[kind]
    finally:
        if kind == "left behind":
            (settings.HOME / "scratch" / "half a run").rmdir()
