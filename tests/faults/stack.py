"""The stack that is broken: a whole site, and the ways to its processes, its Redis, its database and its disk."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psutil
import psycopg
import redis
from celery import Celery

from tests.rooms import ROOMS
from tests.site import Site, free_port
from tests.support import SHORT_TIMES
from webapp.config import Config

MEDIA_MEGABYTES = 64


class Stack:
    """A running site in a folder of its own. Where this machine lets us, its pictures lie on a small disk."""

    def __init__(self, folder: Path, database_url: str = "") -> None:
        self.home = folder / "home"
        self.database_url = database_url
        self._undo = ExitStack()
        self.media = self.home / "media"
        self.media.mkdir(parents=True)
        self.small_disk = self._mount()
        variables = {
            **SHORT_TIMES,
            "LATENT_ROOMS": ROOMS,
            "SAMPLE_JOBS": "0",
            "LOG_LEVEL": "WARNING",
            "MIN_FREE_MEGABYTES": "0",
            "MEMBER_QUEUED_JOBS": "100000",
        }
        if database_url:
            variables["DATABASE_URL"] = database_url
        self.environment = {**os.environ, "LATENT_HOME": str(self.home)} | variables
        self.environment.pop("REDIS_URL", None)
        self.environment["DJANGO_SETTINGS_MODULE"] = "webapp.settings"
        self.site = Site(self.home, free_port(), **variables)
        self._undo.callback(self.site.end)
        self.site.wait_until_ready()
        config = Config(latent_home=self.home)
        self.redis = redis.Redis(unix_socket_path=str(config.redis_socket), socket_timeout=5)
        self.broker = Celery(broker=f"redis+socket://{config.redis_socket}")

    def close(self) -> None:
        self._undo.close()

    def manage(self, *arguments: str) -> str:
        """What a management command of this site prints."""
        return self._python("manage.py", *arguments)

    def check(self, accepted: Path) -> str:
        """The checker's report, as JSON."""
        return self._python("-m", "tests.faults.checker", str(accepted))

    def unfinished(self) -> int:
        """How many jobs wait or run."""
        try:
            with urllib.request.urlopen(f"{self.site.url}/metrics", timeout=20) as response:
                said = response.read().decode()
        except OSError:
            return sys.maxsize
        counts = re.findall(r'^latent_jobs\{.*status="(?:queued|running)"\} (\S+)$', said, re.MULTILINE)
        return int(sum(map(float, counts)))

    def _python(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], env=self.environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    # What can be broken ----------------------------------------------------------------------------------

    def process(self, name: str) -> psutil.Process | None:
        return self.site.child(name)

    def workers_child(self) -> psutil.Process | None:
        worker = self.process("worker")
        children = worker.children() if worker else []
        return children[0] if children else None

    def announce(self, times: int) -> None:
        """Say that there is work, whether there is or not."""
        for _ in range(times):
            self.broker.send_task("jobs.tasks.work", args=["cpu"], queue="cpu", retry=False)

    def forget_redis(self) -> None:
        shutil.rmtree(self.home / "redis" / "appendonlydir", ignore_errors=True)
        for file in (self.home / "redis").glob("*"):
            file.unlink(missing_ok=True)

    @contextmanager
    def locked_database(self) -> Iterator[None]:
        """Nobody else can write, as while somebody makes a backup or repairs a table."""
        if self.database_url:
            with psycopg.connect(self.database_url) as postgres:
                postgres.execute("LOCK TABLE jobs_job, jobs_turn IN ACCESS EXCLUSIVE MODE")
                yield
            return
        with closing(sqlite3.connect(self.home / "latent.sqlite3", isolation_level=None)) as sqlite:
            sqlite.execute("BEGIN IMMEDIATE")
            yield
            sqlite.execute("ROLLBACK")

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        filler = self.media / "filler"
        try:
            with filler.open("wb") as file:
                while file.write(b"\0" * 65_536):
                    file.flush()
        except OSError:
            yield
        finally:
            filler.unlink(missing_ok=True)

    def _mount(self) -> bool:
        """A small file system for the pictures, which takes a root that may mount."""
        options = ["-t", "tmpfs", "-o", f"size={MEDIA_MEGABYTES}m", "tmpfs", str(self.media)]
        mounted = subprocess.run(["mount", *options], capture_output=True, check=False).returncode == 0
        if mounted:
            self._undo.callback(subprocess.run, ["umount", "--lazy", str(self.media)], check=False)
        return mounted
