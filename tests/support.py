"""What the tests start and stop: a Redis, workers and clocks, each a real process of its own."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import redis
from django.conf import settings
from django.db import connection
from redis.backoff import NoBackoff
from redis.retry import Retry

from jobs.models import Asset, Job, Owner
from jobs.queue import submission, workers
from jobs.queue.request import Request, Step
from ml.core.text import Message
from tests.operations import OPERATIONS
from webapp.config import BASE_DIR, config
from webapp.supervisor import commands
from webapp.supervisor.processes import end_with

# Short, and yet long enough for a busy machine not to lose a lease that it holds.
SHORT_TIMES = {
    "LEASE_SECONDS": "4",
    "RENEW_SECONDS": "0.5",
    "REAP_SECONDS": "0.3",
    "CANCEL_GRACE_SECONDS": "1",
}


def wait_for(condition: Callable[[], Any], seconds: float = 20) -> Any:
    """What the condition gives once it is true; fails after so many seconds."""
    give_up_at = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < give_up_at, f"waited {seconds} s in vain"
        time.sleep(0.02)
    return found


def saying(words: str) -> Message:
    """A message without values."""
    return Message(f"test.{words[:60]}", words)


def submit(owner: Owner | None, operation: str = "instant", **params: Any) -> Job:
    """A queued job without inputs."""
    return submit_one(owner, operation, params, {})


def submit_one(
    owner: Owner | None,
    operation: str,
    params: Mapping[str, Any],
    inputs: Mapping[str, Sequence[Asset]],
    *,
    seed: int | None = None,
    idempotency_key: str = "",
) -> Job:
    """The queued job of a request for one."""
    step = Step(operation, params, seed)
    (job,) = submission.submit(Request(owner, [step], [inputs], idempotency_key=idempotency_key))
    return job


def environment() -> dict[str, str]:
    """For a process that shares the database, the Redis and the files of the tests."""
    return {
        **os.environ,
        **SHORT_TIMES,
        "DJANGO_SETTINGS_MODULE": "webapp.settings",
        "DATABASE_URL": database_url(),
        "LATENT_ROOMS": OPERATIONS,
        "SAMPLE_JOBS": "0",
        "PYTHONUNBUFFERED": "1",
    }


def database_url() -> str:
    """The address of the test database."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{name}"


class Process:
    """A process with all that it starts; its words go to a log."""

    def __init__(self, name: str, *command: str, **variables: str) -> None:
        self.name = name
        self.log = Path(settings.HOME) / f"{name}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=BASE_DIR,
                env={**environment(), **variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=partial(end_with, os.getpid()),
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def family(self) -> list[int]:
        """Its process id and those of all its descendants."""
        try:
            return [self.pid, *(child.pid for child in psutil.Process(self.pid).children(recursive=True))]
        except psutil.NoSuchProcess:
            return []

    def signal(self, number: int) -> None:
        """Send a signal to it and to all that it started."""
        for pid in self.family():
            with_pid(pid, number)

    def kill(self) -> None:
        """End it with all that it started, stopped or not, as a power cut does."""
        with_group(self.pid, signal.SIGKILL)
        self.process.wait()

    def said(self) -> str:
        return self.log.read_text(errors="replace")


class Worker(Process):
    """A Celery prefork worker with one child, ready for work."""

    def __init__(self, name: str, **variables: str) -> None:
        self.nodename = f"{name}@tests"
        begun_at = time.time()
        super().__init__(
            name,
            *commands.worker_command(config()),
            *("--hostname", self.nodename),
            **variables,
        )
        wait_for(lambda: not self.alive or self.seen_since(begun_at), 60)
        assert self.alive, self.said()

    def seen_since(self, moment: float) -> bool:
        return any(worker.name == self.nodename and worker.seen_at >= moment for worker in workers.workers())

    @property
    def child(self) -> int:
        """The process id of the child that runs jobs."""
        return int(wait_for(lambda: psutil.Process(self.pid).children())[0].pid)


class Redis:
    """A Redis server of the tests' own, on a socket, keeping its data as the real one does."""

    def __init__(self) -> None:
        self.folder = Path(settings.HOME) / "redis"
        self.socket = Path(settings.REDIS_URL.removeprefix("unix://"))
        # By itself a client waits longer and longer between its tries, seconds for a server that takes none.
        self.client = redis.Redis(unix_socket_path=str(self.socket), retry=Retry(NoBackoff(), 1))
        self.start()

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [
                commands.redis_server(),
                *("--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.folder)),
                *("--appendonly", "yes", "--save", "", "--loglevel", "warning"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=partial(end_with, os.getpid()),
        )
        wait_for(self.answers)

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def kill(self, *, lose_data: bool = False) -> None:
        self.process.kill()
        self.process.wait()
        self.socket.unlink(missing_ok=True)
        if lose_data:
            shutil.rmtree(self.folder)


@contextmanager
def unreachable(socket: Path, client: "redis.Redis") -> Iterator[None]:
    """The Redis behind a socket lives, and nobody gets to it; only who listens (pub/sub) still hears of it."""
    client.ping()  # to be connected while the socket is away
    away = socket.with_suffix(".away")
    socket.rename(away)
    with suppress(redis.RedisError):
        client.client_kill_filter(_type="normal", skipme=False)
    yield
    away.rename(socket)


def with_pid(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def with_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, number)
