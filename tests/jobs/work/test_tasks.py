"""One message does for several small jobs, and for one that takes longer."""

from typing import Any

import pytest

from jobs.models import Job
from jobs.queue import broker
from jobs.work import runner, tasks
from tests.support import submit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


@pytest.fixture(autouse=True)
def _this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "told_to_go", lambda: False)


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queues that were announced anew."""
    queues: list[str] = []
    monkeypatch.setattr(broker, "announce_rest", queues.append)
    return queues


def succeeded() -> int:
    return Job.objects.filter(status=Job.Status.SUCCEEDED).count()


def test_small_jobs_are_done_one_after_another(alice: Any, announced: list[str]) -> None:
    for _ in range(3):
        submit(alice.owner)
    tasks.work.apply(args=["cpu"])
    assert (succeeded(), announced) == (3, [])


def test_after_one_that_took_long_the_rest_is_another_message(
    alice: Any, announced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "SMALL_SECONDS", 0)
    for _ in range(3):
        submit(alice.owner)
    tasks.work.apply(args=["cpu"])
    assert (succeeded(), announced) == (1, ["cpu"])


def test_a_worker_that_is_told_to_go_takes_no_other(
    alice: Any, announced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_next = runner.run_next

    def then_told(*arguments: Any, **more: Any) -> bool:
        done = run_next(*arguments, **more)
        monkeypatch.setattr(tasks, "told_to_go", lambda: True)
        return done

    monkeypatch.setattr(runner, "run_next", then_told)
    for _ in range(2):
        submit(alice.owner)
    tasks.work.apply(args=["cpu"])
    assert (succeeded(), announced) == (1, [])
