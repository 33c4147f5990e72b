"""Whether the site says that it is ready when, and only when, a job would find what it needs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from jobs.queue import workers
from tests.support import Redis

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _worker(redis: Redis) -> None:
    """One that was seen a moment ago."""
    workers.i_am_here("worker@tests", ["cpu"], "cpu")


@pytest.fixture
def full(redis: Redis) -> Iterator[None]:
    """A Redis without room: it answers, and refuses what is written."""
    redis.client.config_set("maxmemory", 1)
    yield
    redis.client.config_set("maxmemory", 0)


def ready() -> Any:
    answer = Client().get("/readyz")
    told = answer.json()
    assert answer.status_code == (200 if told["ready"] else 503)
    return told


def test_a_site_that_has_what_a_job_needs_is_ready() -> None:
    assert ready()["ready"]


def test_a_redis_that_refuses_writes_is_not_ready(full: None) -> None:
    told = ready()
    assert (told["ready"], told["broker"], told["database"]) == (False, False, True)


def test_a_disk_that_takes_no_file_is_not_ready(settings: Any, tmp_path: Path) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "gone"
    told = ready()
    assert (told["ready"], told["disk"]) == (False, False)


def test_asking_leaves_nothing_for_good(redis: Redis) -> None:
    ready()
    assert 0 < redis.client.ttl("latent:ready") <= 60
