"""A whole site as `make run` starts it, in processes of its own."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil

from tests.support import wait_for
from webapp.config import BASE_DIR

UP = [sys.executable, "manage.py", "up"]
MARKS = {"redis": "redis-server", "worker": "celery", "clock": "clock", "web": "gunicorn"}


class Site:
    """A running `manage.py up` and the processes below it."""

    def __init__(self, home: Path, port: int, command: list[str] = UP, **variables: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.log = home.parent / "up.log"
        self._began_at = time.monotonic()
        self._environment = environment(home, port) | variables
        with self.log.open("wb") as log:
            self.started = subprocess.Popen(
                command,
                cwd=BASE_DIR,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_ready(self, seconds: float = 60) -> float:
        """The seconds it took; fails after so many."""
        try:
            wait_for(lambda: self.started.poll() is not None or "\nReady: " in f"\n{self.said()}", seconds)
        except AssertionError:
            self.end()  # nobody else would
            raise
        assert self.started.poll() is None, self.said()
        return time.monotonic() - self._began_at

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def python(self, *arguments: str) -> str:
        """What a Python process prints that has the settings of this site."""
        command = [sys.executable, *arguments]
        done = subprocess.run(
            command, cwd=BASE_DIR, env=self._environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def family(self) -> list[psutil.Process]:
        above = psutil.Process(self.started.pid)
        return [above, *above.children(recursive=True)]

    def child(self, name: str) -> psutil.Process | None:
        """The child of the supervisor that is called so in the log."""
        for process in psutil.Process(self.started.pid).children():
            try:
                if MARKS[name] in " ".join(process.cmdline()):
                    return process
            except psutil.NoSuchProcess:
                continue
        return None

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def end(self) -> None:
        if self.started.poll() is None:
            self.started.terminate()
        self.started.wait(15)


def environment(home: Path, port: int) -> dict[str, str]:
    """As a person has it who has set nothing but these two."""
    mine = {name: value for name, value in os.environ.items() if name not in {"REDIS_URL", "DATABASE_URL"}}
    return mine | {"DJANGO_SETTINGS_MODULE": "webapp.settings", "LATENT_HOME": str(home), "PORT": str(port)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
