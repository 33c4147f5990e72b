"""The stack that is broken: a whole site, and the ways to its processes, its Redis, its database and its disk."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import Literal, Self

import psutil
import psycopg
import redis
from celery import Celery
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.faults.machine import Postgres, WallClock, mount_small_disk
from tests.operations import OPERATIONS
from tests.site import UP, Site, free_port
from tests.support import SHORT_TIMES, unreachable, wait_for
from webapp.config import Config

START_SECONDS = 300.0  # a first start makes the static files
BACK_SECONDS = 120.0  # what was killed has been started again by then
Database = Literal["sqlite", "postgresql"]
Need = Literal["small disks", "faketime"]


class Stack:
    """A running site in a folder of its own, with a wall clock of its own and its pictures on small disks.

    `has` says which of these this machine lets us have. With "postgresql" a server of its own belongs to it;
    raises `CannotRun` where there is none.
    """

    def __init__(self, folder: Path, database: Database = "sqlite") -> None:
        self.home = folder / "home"
        self.database = database
        self._undo = ExitStack()
        self._server = Postgres() if database == "postgresql" else None
        self.media = self.home / "media"
        disks = [mount_small_disk(self.media / name, self._undo) for name in ("photos", "outputs")]
        self.clock = WallClock(folder / "clock")
        variables = {
            **SHORT_TIMES,
            **self.clock.environment,
            "LATENT_ROOMS": OPERATIONS,
            "SAMPLE_JOBS": "0",
            "LOG_LEVEL": "WARNING",
            "MIN_FREE_MEGABYTES": "0",
            "MEMBER_QUEUED_JOBS": "100000",
        }
        if self._server:
            self._undo.callback(self._server.close)
            variables["DATABASE_URL"] = self._server.url
        self.has: set[Need] = set()
        if all(disks):
            self.has.add("small disks")
        if self.clock.can_be_set:
            self.has.add("faketime")
        self.environment = {**os.environ, "LATENT_HOME": str(self.home)} | variables
        self.environment.pop("REDIS_URL", None)
        self.environment["DJANGO_SETTINGS_MODULE"] = "webapp.settings"
        self.site = Site(self.home, free_port(), [*UP, "--end-with-parent"], **variables)
        self._undo.callback(self.site.end)
        self._socket = Config(latent_home=self.home).redis_socket
        self._redis = redis.Redis(
            unix_socket_path=str(self._socket), socket_timeout=5, retry=Retry(NoBackoff(), 1)
        )
        self._broker = Celery(broker=f"redis+socket://{self._socket}", set_as_current=False)

    def __enter__(self) -> Self:
        try:
            self.site.wait_until_ready(START_SECONDS)
        except BaseException:
            self._undo.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def token(self, name: str) -> str:
        """The API token of a member who is made for it."""
        return self._python("manage.py", "create_token", name).splitlines()[-1]

    def check(self, answers: Path) -> str:
        """The checker's report, as JSON."""
        return self._python("-m", "tests.faults.checker", str(answers), "--sweep")

    def unfinished(self) -> int:
        """How many jobs wait or run."""
        try:
            with urllib.request.urlopen(f"{self.site.url}/metrics", timeout=20) as response:
                said = response.read().decode()
        except OSError:
            return sys.maxsize
        counts = re.findall(
            r'^latent_jobs\{.*status="(?:blocked|queued|running)"\} (\S+)$', said, re.MULTILINE
        )
        return int(sum(map(float, counts)))

    def _python(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], env=self.environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    # What can be broken ----------------------------------------------------------------------------------

    def process(self, name: str) -> psutil.Process:
        """A child of the supervisor, as soon as it lives."""
        found: psutil.Process = wait_for(lambda: self.site.child(name), BACK_SECONDS)
        return found

    def workers_child(self) -> psutil.Process:
        found: list[psutil.Process] = wait_for(lambda: self.process("worker").children(), BACK_SECONDS)
        return found[0]

    @property
    def server(self) -> Postgres:
        assert self._server
        return self._server

    @property
    def redis(self) -> "redis.Redis":
        """A way to its Redis, as soon as that answers."""
        wait_for(self._redis_answers, BACK_SECONDS)
        return self._redis

    def announce(self, times: int) -> None:
        """Say that there is work, whether there is or not."""
        for _ in range(times):
            self._broker.send_task("jobs.work.tasks.work", args=["cpu"], queue="cpu", retry=False)

    def forget_redis(self) -> None:
        shutil.rmtree(self.home / "redis" / "appendonlydir", ignore_errors=True)
        for file in (self.home / "redis").glob("*"):
            file.unlink(missing_ok=True)

    def unreachable_redis(self) -> AbstractContextManager[None]:
        return unreachable(self._socket, self.redis)

    @contextmanager
    def full_redis(self) -> Iterator[None]:
        """Redis can be read, but takes nothing more: no preview, no progress, no message."""
        self.redis.config_set("maxmemory", 1)
        yield
        self.redis.config_set("maxmemory", 0)

    @contextmanager
    def locked_database(self) -> Iterator[None]:
        """Nobody else can write, as while somebody makes a backup or repairs a table."""
        if self._server:
            with psycopg.connect(self._server.url) as postgres:
                postgres.execute("LOCK TABLE jobs_job IN ACCESS EXCLUSIVE MODE")
                yield
            return
        with closing(sqlite3.connect(self.home / "latent.sqlite3", isolation_level=None)) as sqlite:
            sqlite.execute("BEGIN IMMEDIATE")
            yield
            sqlite.execute("ROLLBACK")

    def restart_database(self, *, kill: bool = False) -> None:
        self.server.kill() if kill else self.server.stop()
        time.sleep(1)
        self.server.start()

    @contextmanager
    def full_disk(self, folder: str) -> Iterator[None]:
        filler = self.media / folder / "filler"
        try:
            with filler.open("wb") as file:
                while file.write(b"\0" * 65_536):
                    file.flush()
        except OSError:
            yield
        finally:
            filler.unlink(missing_ok=True)

    def _redis_answers(self) -> bool:
        try:
            return bool(self._redis.ping())
        except redis.RedisError:
            return False
