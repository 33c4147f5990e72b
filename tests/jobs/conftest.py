import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.db.models import Count, Sum

from jobs.lifecycle import Claim, Outcome
from jobs.models import Job, Output, Turn


@pytest.fixture(autouse=True)
def _test_rooms(rooms: None, redis_server: Any) -> None:
    """Every test of the jobs uses the operations of the tests, and a Redis."""


@pytest.fixture
def stored() -> Callable[[Claim], Outcome]:
    """What a run gives back that stored one file, as the runner stores it."""

    def store(claim: Claim) -> Outcome:
        uuid = str(claim.job.uuid)
        name = default_storage.save(
            f"outputs/{uuid[:2]}/{uuid}/{claim.attempt}/result.png", ContentFile(b"picture")
        )
        output = Output(
            job=claim.job,
            attempt=claim.attempt,
            position=0,
            name="result",
            file=name,
            media_type="image/png",
            bytes=7,
            sha256="0" * 64,
        )
        return Outcome(outputs=[output], run_seconds=0.5)

    return store


@pytest.fixture
def at_once() -> Callable[..., list[Any]]:
    """Calls functions at the same moment, each in a thread and a connection of its own; what they gave, or raised."""

    def run(*functions: Callable[[], Any]) -> list[Any]:
        barrier = threading.Barrier(len(functions))

        def call(function: Callable[[], Any]) -> Any:
            try:
                barrier.wait()
                return function()
            except Exception as error:
                return error
            finally:
                connection.close()

        with ThreadPoolExecutor(len(functions)) as pool:
            return list(pool.map(call, functions))

    return run


def assert_counters_true() -> None:
    """Every turn counts the jobs that wait in it, and the seconds they are expected to take."""
    truth = {
        row["turn"]: (row["jobs"], row["seconds"])
        for row in Job.objects.queued()
        .values("turn")
        .annotate(jobs=Count("pk"), seconds=Sum("expected_seconds"))
        .order_by()
    }
    for turn in Turn.objects.all():
        jobs, seconds = truth.get(turn.pk, (0, 0.0))
        assert turn.waiting == jobs
        assert turn.waiting_seconds == pytest.approx(seconds, abs=1e-6)


@pytest.fixture
def counters_true() -> Callable[[], None]:
    return assert_counters_true
