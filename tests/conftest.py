"""The cast, a photo, and the processes around the site."""

import gc
import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models.signals import post_migrate
from django.test import Client
from PIL import Image

from jobs.access import identity
from jobs.models import ApiToken, Asset, Job, Owner
from jobs.queue.lifecycle import Claim, Outcome
from ml import registry as ml_registry
from tests.faults.machine import CannotRun, Postgres
from tests.operations import OPERATIONS
from tests.settings import TEST_HOME
from tests.support import Process, Redis, Worker
from webapp.supervisor.preconditions import CannotStart


def pytest_unconfigure() -> None:
    shutil.rmtree(TEST_HOME, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a test marked `sampled(n)`, all but n of its cases are slow; those that are left are spread evenly."""
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("sampled"):
            cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for of_one in cases.values():
        marker = of_one[0].get_closest_marker("sampled")
        assert marker
        (count,) = marker.args
        kept = {len(of_one) * index // count for index in range(count)}
        for index, item in enumerate(of_one):
            if index not in kept:
                item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """The million objects of imported libraries stay for good, and need not be looked through again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """After each test that commits, Django would make all permissions anew, for which no test asks."""
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")


# The cast ------------------------------------------------------------------------------------------------


@dataclass
class Person:
    """Somebody with an account."""

    user: User
    owner: Owner

    @cached_property
    def client(self) -> Client:
        """A browser in which they are logged in."""
        client = Client()
        client.force_login(self.user)
        return client

    @cached_property
    def token(self) -> str:
        return ApiToken.issue(self.user)


def person(name: str, *, staff: bool = False) -> Person:
    user = User.objects.create_user(name, password=name, is_staff=staff, is_superuser=staff)
    return Person(user, identity.owner_of_user(user))


@pytest.fixture
def alice(db: None) -> Person:
    """Whose photos and jobs they are."""
    return person("alice")


@pytest.fixture
def bob(db: None) -> Person:
    """To whom Alice may send a link."""
    return person("bob")


@pytest.fixture
def charlie(db: None) -> Person:
    """Who has no business with any of it."""
    return person("charlie")


@pytest.fixture
def ada(db: None) -> Person:
    """An admin."""
    return person("ada", staff=True)


@pytest.fixture
def visitor(db: None) -> Owner:
    """Somebody without an account."""
    return Owner.objects.create(address="somewhere")


@pytest.fixture
def photo(db: None) -> Iterator[Callable[..., Asset]]:
    """Makes small stored photos."""
    made: list[Asset] = []

    def make(owner: Owner | None, width: int = 24, height: int = 16, color: str = "#4080c0") -> Asset:
        buffer = io.BytesIO()
        Image.new("RGB", (width, height), color).save(buffer, "PNG")
        content = buffer.getvalue()
        photo = Asset(
            owner=owner,
            name="blue.png",
            kind="image",
            format="png",
            width=width,
            height=height,
            bytes=len(content),
            sha256=sha256(content).hexdigest(),
            color=color,
        )
        photo.file.save(f"{photo.id}.png", ContentFile(content))
        made.append(photo)
        return photo

    yield make
    for photo in made:
        photo.file.storage.delete(photo.file.name)


@pytest.fixture
def stored() -> Callable[[Claim], Outcome]:
    """What a run gives back that stored one file, as the runner stores it."""

    def store(claim: Claim) -> Outcome:
        uuid = str(claim.job.uuid)
        name = default_storage.save(
            f"outputs/{uuid[:2]}/{uuid}/{claim.attempt}/result.png", ContentFile(b"picture")
        )
        output = Asset(
            made_by=claim.job,
            attempt=claim.attempt,
            output="result",
            file=name,
            kind="image",
            format="png",
            bytes=7,
            sha256=sha256(b"picture").hexdigest(),
        )
        return Outcome(outputs=[output], run_seconds=0.5)

    return store


# The operations of tests ---------------------------------------------------------------------------------


@pytest.fixture
def operations(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The registry holds the operations of `tests.operations`, and no others."""
    monkeypatch.setattr(ml_registry, "OPERATIONS", ())
    monkeypatch.setenv("LATENT_ROOMS", OPERATIONS)
    ml_registry.registry.cache_clear()
    yield
    ml_registry.registry.cache_clear()


# Processes -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    try:
        server = Redis()
    except CannotStart as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    yield server
    server.kill()


def postgres_server() -> Postgres:
    """A PostgreSQL of its own, to be closed; skips the test where this machine has none, which in CI is a failure."""
    try:
        return Postgres()
    except CannotRun as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture
def redis(redis_server: Redis) -> Redis:
    """A running Redis with nothing in it."""
    if not redis_server.answers():
        redis_server.start()
    redis_server.client.flushall()
    return redis_server


@pytest.fixture
def start_worker(
    kept_workers: list[Worker], redis: Redis, transactional_db: None
) -> Iterator[Callable[..., Worker]]:
    """Starts real workers, the only ones there are, and ends them after the test."""
    while kept_workers:
        end([kept_workers.pop()])
    started: list[Worker] = []

    def start(name: str | None = None, **variables: str) -> Worker:
        worker = Worker(name or f"worker{len(started)}", **variables)
        started.append(worker)
        return worker

    yield start
    end(started)


@pytest.fixture(scope="module")
def kept_workers(redis_server: Redis, django_db_setup: None) -> Iterator[list[Worker]]:
    """Starting one takes seconds, so the tests of a module share it."""
    workers: list[Worker] = []
    yield workers
    end(workers)


@pytest.fixture
def worker(kept_workers: list[Worker], redis: Redis, transactional_db: None) -> Iterator[Worker]:
    """A real worker that waits for work."""
    if not kept_workers:
        kept_workers.append(Worker("kept"))
    yield kept_workers[0]
    if Job.objects.unfinished().exists() or not kept_workers[0].alive:
        end([kept_workers.pop()])


@pytest.fixture
def clock(redis: Redis, transactional_db: None) -> Iterator[Process]:
    """The real clock."""
    process = Process("clock", sys.executable, "manage.py", "clock")
    yield process
    end([process])


def end(processes: list[Process]) -> None:
    """Kill what is left, and print what it said, which pytest shows where a test failed."""
    for process in processes:
        process.kill()
        print(f"--- {process.name}\n{process.said()}")
        process.log.unlink(missing_ok=True)


@pytest.fixture
def media(db: None) -> Callable[[], set[str]]:
    """The names of all files that the site keeps; none at first."""
    shutil.rmtree(settings.MEDIA_ROOT, ignore_errors=True)
    return lambda: {
        str(path.relative_to(settings.MEDIA_ROOT))
        for path in settings.MEDIA_ROOT.rglob("*")
        if path.is_file()
    }
