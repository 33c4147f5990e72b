"""What a run needs of this machine: small disks, a wall clock that can be set, a PostgreSQL server of its own."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import psutil
import psycopg

from tests.support import wait_for
from webapp.supervisor.processes import end_with

DISK_MEGABYTES = 64
NOBODY = "nobody"


class CannotRun(Exception):
    """What is missing, in one sentence that says what to do."""


def mount_small_disk(folder: Path, undo: ExitStack) -> bool:
    """A small file system in a folder; False where this machine does not let us."""
    folder.mkdir(parents=True)
    options = ["-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(["mount", *options], capture_output=True).returncode:
        return False
    undo.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=False)
    return True


def processes_of(home: str) -> list[str]:
    """The processes that live of a site with this LATENT_HOME, by name and number."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("LATENT_HOME") == home:
                found.append(f"{process.name()} {process.pid}")
    return found


class WallClock:
    """The wall clock of the processes that are started with its `environment`, by way of libfaketime.

    What counts seconds (a monotonic clock) goes on evenly, and the dates of files stay true, as they do on
    a machine whose clock is set.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._hours = 0
        self.can_be_set = shutil.which("faketime") is not None
        self.jump(0)

    def jump(self, hours: int) -> None:
        self._hours += hours
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{self._hours * 3600:+d}\n")
        fresh.replace(self._file)

    @property
    def environment(self) -> dict[str, str]:
        if not self.can_be_set:
            return {}
        library = subprocess.run(
            ["faketime", "-f", "+0", "printenv", "LD_PRELOAD"], capture_output=True, text=True, check=True
        )
        return {
            "LD_PRELOAD": library.stdout.strip(),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # it is for an old glibc; here it makes threads spin
            "NO_FAKE_STAT": "1",
            "PYTHONPATH": str(Path(__file__).parent / "python"),
        }


class Postgres:
    """A server on a socket in a folder of its own, run by somebody without rights, as it demands."""

    def __init__(self) -> None:
        self._bin = _postgres_programs()
        self._user = NOBODY if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="latent-pg-"))
        if self._user:
            os.chown(self.folder, pwd.getpwnam(self._user).pw_uid, -1)
        self.clock = WallClock(self.folder / "clock")
        self.url = f"postgres://latent@{str(self.folder).replace('/', '%2F')}/postgres"
        self._data = self.folder / "data"
        made = subprocess.run(
            [self._bin / "initdb", "--username=latent", "--auth=trust", "--encoding=UTF8", self._data],
            user=self._user, cwd=self.folder, capture_output=True, text=True,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        self.start()

    def start(self) -> None:
        """Start it, again where what was killed has not let go of everything yet, until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, "-k", self.folder, "-c", "listen_addresses="],
                user=self._user, cwd=self.folder, env=os.environ | self.clock.environment,
                stdout=log, stderr=log, start_new_session=True, preexec_fn=partial(end_with, os.getpid()),
            )  # fmt: skip
        wait_for(lambda: self._process.poll() is not None or self._answers(), 60)
        if self._process.poll() is not None:
            self.start()

    def kill(self) -> None:
        """What a power cut does to it; it mends itself with the next start."""
        children = psutil.Process(self._process.pid).children()
        self._process.kill()
        self._process.wait()
        psutil.wait_procs(children, timeout=10)

    def stop(self) -> None:
        """Ends all connections, as an update of the package does."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def _postgres_programs() -> Path:
    """The folder with `initdb` and `postgres`; raises `CannotRun`."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders:
        raise CannotRun("There is no PostgreSQL: install the package postgresql.")
    return folders[-1]
