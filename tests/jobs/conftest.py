import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import kombu.utils.functional
import pytest
import redis.connection
import redis.retry
from django.db import connection
from django.db.models import Count, Sum

from jobs.models import FairShare, Job
from ml import registry as ml_registry


@pytest.fixture(autouse=True)
def _test_operations(operations: None, redis: Any) -> None:
    """Every test of the jobs uses the operations of the tests, and a Redis that answers, whatever the test before did to it."""


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


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A name for each try of this process to connect to Redis that came to nothing."""
    failed: list[str] = []
    connect = redis.connection.UnixDomainSocketConnection._connect

    def count(self: Any) -> Any:
        try:
            return connect(self)
        except OSError:
            failed.append(self.path)
            raise

    monkeypatch.setattr(redis.connection.UnixDomainSocketConnection, "_connect", count)
    return failed


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of each pause that kombu or redis-py makes before another try; none is really made."""
    made: list[float] = []
    monkeypatch.setattr(kombu.utils.functional, "sleep", made.append)
    monkeypatch.setattr(redis.retry, "sleep", made.append)
    return made


def assert_counters_true() -> None:
    """Every fair share counts the jobs that wait in it, and the seconds they are expected to take."""
    truth = {
        row["fair_share"]: (row["jobs"], row["seconds"])
        for row in Job.objects.queued()
        .values("fair_share")
        .annotate(jobs=Count("pk"), seconds=Sum("expected_seconds"))
        .order_by()
    }
    for share in FairShare.objects.all():
        jobs, seconds = truth.get(share.pk, (0, 0.0))
        assert share.waiting == jobs
        assert share.waiting_seconds == pytest.approx(seconds, abs=1e-6)


@pytest.fixture
def counters_true() -> Callable[[], None]:
    return assert_counters_true
