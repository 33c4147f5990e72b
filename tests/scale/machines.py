"""What the site is spread over: a network, a database, a broker, a bucket, and machines with processes on them."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import psycopg

from tests.support import wait_for
from webapp.config import BASE_DIR
from webapp.supervisor.processes import end_with

# Of the addresses that are kept for tests between networks (RFC 2544).
HERE, THERE, MASK = "198.18.77.1", "198.18.77.2", 30
BUCKET = "latent"
S3_KEY, S3_SECRET = "the-key", "the-secret"
START_SECONDS = 120


class CannotPlay(Exception):
    """Why this machine cannot stand for several, in one sentence."""


class Process:
    """A running command; its words go to a file of its name."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        logs: Path,
        *,
        user: str | None = None,
    ) -> None:
        self.name, self.log = name, logs / f"{name}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=BASE_DIR if user is None else "/",
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=user,
                group=user,
                extra_groups=[] if user else None,
                preexec_fn=partial(end_with, os.getpid()),
            )

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def wait_until(self, ready: Callable[[], object]) -> None:
        wait_for(lambda: not self.alive or ready(), START_SECONDS)
        assert self.alive, f"{self.name} ended at its start:\n{self.said()}"

    def end(self, number: int = signal.SIGTERM, seconds: float = 30) -> float:
        """Tell it to end and wait; the seconds that took."""
        began = time.monotonic()
        if self.alive:
            self.process.send_signal(number)
            self.process.wait(seconds)
        return time.monotonic() - began

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def said(self) -> str:
        return self.log.read_text(errors="replace")


class Apart:
    """A machine of its own as far as the kernel can play one: a network in which this machine has but one address,
    a host name, and none of the folders of this run."""

    def __init__(self) -> None:
        self.name = f"latent-{os.getpid()}"
        self._wire = f"lat{os.getpid()}"[:14]

    def __enter__(self) -> "Apart":
        if os.getuid() != 0:
            raise CannotPlay("Only root can make a network namespace: run the scale test as root.")
        ip("netns", "add", self.name)
        try:
            ip("link", "add", self._wire, "type", "veth", "peer", "name", "eth0", "netns", self.name)
            ip("address", "add", f"{HERE}/{MASK}", "dev", self._wire)
            ip("link", "set", self._wire, "up")
            for words in (
                ("address", "add", f"{THERE}/{MASK}", "dev", "eth0"),
                ("link", "set", "eth0", "up"),
                ("link", "set", "lo", "up"),
            ):
                ip("-netns", self.name, *words)
        except CannotPlay:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["ip", "link", "delete", self._wire], capture_output=True)
        subprocess.run(["ip", "netns", "delete", self.name], capture_output=True)

    def command(self, name: str, folder: Path, command: Sequence[str]) -> list[str]:
        """The command, to be run over there, where the folder is empty."""
        return ["ip", "netns", "exec", self.name, *on_host(name, command, hidden=folder)]


def ip(*words: str) -> None:
    try:
        done = subprocess.run(["ip", *words], capture_output=True, text=True)
    except FileNotFoundError:
        raise CannotPlay("There is no ip on this machine: apt install iproute2.") from None
    if done.returncode:
        raise CannotPlay(f"This machine lets nobody make networks ({done.stderr.strip()}).")


def on_host(name: str, command: Sequence[str], *, hidden: Path | None = None) -> list[str]:
    """The command under a host name of its own, as in a container; where one is named, with an empty folder."""
    hide = 'mount -t tmpfs tmpfs "$2"' if hidden else ":"
    script = f'hostname "$1" && {hide} && shift 2 && exec "$@"'
    return ["unshare", "--uts", "--mount", "sh", "-c", script, "sh", name, str(hidden or ""), *command]


def start_postgres(folder: Path, port: int, password: str) -> Process:
    """PostgreSQL as Debian's `postgres` user, with the user and the database that the compose file names."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda found: int(found.parent.name))
    if not programs:
        raise CannotPlay("There is no PostgreSQL on this machine: apt install postgresql.")
    data, secret = folder / "postgres", folder / "password"
    data.mkdir()
    secret.write_text(password)
    for path in (data, secret):
        shutil.chown(path, "postgres", "postgres")
    made = subprocess.run(
        [
            *(programs[-1] / "initdb", "--pgdata", data, "--username", "latent", "--pwfile", secret),
            *("--auth", "scram-sha-256", "--no-sync", "--encoding", "UTF8", "--locale", "C.UTF-8"),
        ],
        user="postgres",
        group="postgres",
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write(f"host all all {HERE}/{MASK} scram-sha-256\n")
    server = Process(
        "postgres",
        [
            *(str(programs[-1] / "postgres"), "-D", str(data), "-h", HERE, "-p", str(port)),
            *("-c", "unix_socket_directories=", "-c", "fsync=off"),
        ],
        {},
        folder,
        user="postgres",
    )

    def answers() -> bool:
        try:
            address = f"postgres://latent:{password}@{HERE}:{port}/postgres"
            with psycopg.connect(address, autocommit=True, connect_timeout=2) as there:
                there.execute("CREATE DATABASE latent")
        except psycopg.OperationalError:
            return False
        return True

    server.wait_until(answers)
    return server


def bucket_at(endpoint: str) -> Any:
    there = boto3.resource(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=S3_KEY,
        aws_secret_access_key=S3_SECRET,
    )
    return there.Bucket(BUCKET)
