import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count, Sum

from jobs.models import Job, Turn
from ml import registry as ml_registry


@pytest.fixture(autouse=True)
def _test_operations(operations: None, redis_server: Any) -> None:
    """Every test of the jobs uses the operations of the tests, and a Redis."""


@pytest.fixture
def real_operations(operations: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry holds the operations of Latent."""
    monkeypatch.undo()
    ml_registry.registry.cache_clear()


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
