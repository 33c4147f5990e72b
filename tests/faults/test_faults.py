"""A short run of the fault suite; and that its checker sees what it is there to see."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from jobs.library import retention
from jobs.models import Asset, FairShare, Job, JobEvent
from jobs.queue import broker, lifecycle, live, redis_client, submission
from jobs.queue.request import Request, Step
from tests.conftest import Person
from tests.faults.checker import report, sweep
from tests.faults.machine import processes_of
from tests.faults.run import run
from tests.support import saying, submit_one, wait_for

KEY = "a key"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_stack_that_is_broken_again_and_again_loses_nothing(tmp_path: Path) -> None:
    found = run(tmp_path, 20, seed=25, pause=1)
    print(found.table())
    assert found.well
    assert found.accepted > 20
    assert found.faults.total() >= 3


# The checker ---------------------------------------------------------------------------------------------


def event(job: Job, status: str) -> None:
    JobEvent.objects.create(job=job, status=status, attempt=1)


def an_output_more(job: Job) -> None:
    output = job.outputs.get()
    output.pk, output.position, output.attempt = None, 1, 2
    output.save(force_insert=True)


def other_bytes(job: Job) -> None:
    Path(job.outputs.get().file.path).write_bytes(b"half a pict")


def anothers_recipe(job: Job) -> None:
    Job.objects.update(recipe=job.recipe | {"seed": job.seed + 1})


def anothers_file(job: Job) -> None:
    output = job.outputs.get()
    output.file.name = default_storage.save(f"outputs/other/{output.file.name[-10:]}", output.file)
    output.save()


def a_hint_of_no_job(job: Job) -> None:
    live.say(uuid4(), 0.5, saying("half done"))


def a_hint_for_ever(job: Job) -> None:
    redis_client.client().set(f"latent:job:{job.uuid}:cancel", 1)


def a_chain(job: Job) -> list[Job]:
    """One that has succeeded beside the job."""
    assert job.owner
    steps = [Step("instant"), Step("instant")]
    return submission.submit(Request(job.owner, steps, idempotency_key="chain"))


def a_step_that_is_gone(job: Job) -> None:
    Job.objects.filter(pk=a_chain(job)[0].pk).delete()


def a_step_called_off(job: Job) -> None:
    first, second = a_chain(job)
    Job.objects.filter(pk=first.pk).update(status="succeeded")
    Job.objects.filter(pk=second.pk).update(status="cancelled", error_code="earlier_step")


SABOTAGE: dict[str, tuple[str, Callable[[Job], Any]]] = {
    "a dropped row": ("lost", lambda job: job.delete()),
    "a job without an end": ("stuck", lambda job: Job.objects.update(status="running")),
    "a second start of one attempt": ("claimed twice", lambda job: event(job, "running")),
    "a second end": ("ended twice", lambda job: event(job, "succeeded")),
    "a second result": ("doubled", an_output_more),
    "no result": ("doubled", lambda job: Asset.objects.all().delete()),
    "another's recipe": ("mixed up", anothers_recipe),
    "another's file": ("mixed up", anothers_file),
    "a failure of no fault's": ("failed without need", lambda job: Job.objects.update(error_code="internal")),
    "a job under no key": ("never asked for", lambda job: Job.objects.update(idempotency_key="another")),
    "a step that is gone": ("batches not whole", a_step_that_is_gone),
    "a batch without an end": ("batches not ended once", a_chain),
    "a step called off": ("waited for what had ended", a_step_called_off),
    "a wrong count": ("miscounted", lambda job: FairShare.objects.update(waiting=1)),
    "a file without a row": ("orphaned files", lambda job: Asset.objects.all().delete()),
    "a row without a file": ("missing files", lambda job: Path(job.outputs.get().file.path).unlink()),
    "a result of nobody's": ("of another owner", lambda job: job.outputs.update(owner=None)),
    "a version that hides": ("not where they belong", lambda job: job.outputs.update(alone=False)),
    "other bytes": ("damaged files", other_bytes),
    "a folder of a run": ("left in folders", lambda job: (settings.HOME / "scratch" / "half a run").mkdir()),
    "a hint of no job": ("left in Redis", a_hint_of_no_job),
    "a hint for ever": ("left in Redis", a_hint_for_ever),
    "a message nobody takes": ("left in Redis", lambda job: broker.announce("cpu")),
}
"""What is done to a site where all was well, and the finding that must come of it."""


@pytest.fixture
def job(alice: Person, operations: None, redis: Any, media: Any, stored: Any) -> Iterator[Job]:
    """One that has succeeded."""
    made = submit_one(alice.owner, "instant", {}, {}, idempotency_key=KEY)
    claim = lifecycle.claim("cpu")
    assert claim
    outcome = stored(claim)
    outcome.recipe = {"operation": "instant", "params": made.params, "seed": made.seed, "inputs": {}}
    assert lifecycle.finish(claim, outcome)
    redis.client.delete("cpu")
    made.refresh_from_db()
    (settings.HOME / "scratch").mkdir(exist_ok=True)
    yield made
    shutil.rmtree(settings.HOME / "scratch")


@pytest.mark.django_db(transaction=True)
def test_the_checker_finds_nothing_where_all_is_well(job: Job) -> None:
    assert not any(report({KEY: [str(job.uuid)]}).values())


@pytest.mark.sampled(2)
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("deed", SABOTAGE)
def test_the_checker_sees_sabotage(job: Job, deed: str) -> None:
    uuid = str(job.uuid)
    finding, sabotage = SABOTAGE[deed]
    sabotage(job)
    assert report({KEY: [uuid]})[finding]


@pytest.mark.django_db(transaction=True)
def test_the_checker_sees_a_request_that_made_two_jobs(job: Job) -> None:
    other = submit_one(job.owner, "instant", {}, {}, idempotency_key="another")
    found = report({KEY: [str(job.uuid), str(other.uuid)], "another": []})
    assert found["one request, two jobs"] == [KEY]


@pytest.mark.django_db(transaction=True)
def test_the_cleaner_takes_away_what_a_killed_process_left(job: Job, monkeypatch: Any) -> None:
    monkeypatch.setattr(retention, "ORPHAN_SECONDS", retention.ORPHAN_SECONDS)  # to be put back
    default_storage.save("photos/half/upload.png", ContentFile(b"picture"))
    assert report({KEY: [str(job.uuid)]})["orphaned files"]
    assert sweep() == 1
    assert not any(report({KEY: [str(job.uuid)]}).values()), "and nothing else"


def test_a_process_that_outlives_the_site_is_seen(tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    assert not processes_of(home)
    with subprocess.Popen(["sleep", "60"], env=os.environ | {"LATENT_HOME": home}) as process:
        assert wait_for(lambda: processes_of(home)) == [f"sleep {process.pid}"]
        process.kill()
    assert not processes_of(home)
