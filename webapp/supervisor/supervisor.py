"""The parent of what `make run` runs: starts it, shows its logs, starts again what died, ends it all."""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from webapp.config import BASE_DIR, Config
from webapp.supervisor.commands import redis_command, worker_command
from webapp.supervisor.output import log, say, show
from webapp.supervisor.probes import address, site_is_ready
from webapp.supervisor.processes import end_with, give_way

TURN_SECONDS = 0.1
ASK_SECONDS = 0.2
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
STEADY_SECONDS = 10.0  # a child that lived this long did not die of its start
PATIENCE_SECONDS = 20.0
GOODBYE_SECONDS = 7.0  # longer than a job may take to hand itself back
REDIS_GOODBYE_SECONDS = 2.0
LONGEST_LINE = 65_536


@dataclass
class Child:
    """A process to keep alive. While it is not running, `start_at` says when to start it again."""

    name: str
    command: Sequence[str]
    gives_way: bool = False
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    start_at: float = 0.0
    failures: int = 0
    unfinished_line: bytes = b""

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Keeps children alive, from one thread: the kernel ends a child with the *thread* that started it."""

    def __init__(self, config: Config, *, end_with_parent: bool) -> None:
        self._config = config
        self._children: list[Child] = []
        self._outputs = selectors.DefaultSelector()
        self._told_to_end = False
        self._parent = os.getppid() if end_with_parent else None

    def run(self) -> None:
        """Start everything, say when it is ready, and stay until told to end."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._end_soon)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup leaves it
            signal.signal(signal.SIGHUP, self._end_soon)
        python = sys.executable
        try:
            if not self._config.redis_url:
                self._config.redis_socket.unlink(missing_ok=True)  # of one that was killed
                self._start(Child("redis", redis_command(self._config)))
                self._stay_until(self._config.redis_socket.exists, "Redis")
            begun_at = time.time()
            self._start(
                Child("web", [python, "-m", "gunicorn", "--config", "python:webapp.gunicorn"]),
                # A network takes all the processors it gets; whoever waits for a page should not notice.
                Child("worker", worker_command(self._config), gives_way=True),
            )
            self._stay_until(partial(site_is_ready, self._config, begun_at), "the web server and the worker")
            if not self._told_to_end:
                self._start(Child("clock", [python, "manage.py", "clock"]))  # last, not to slow the others
                say("latent", ready := f"Ready: {address(self._config)}", text=ready)
            self._stay_until(lambda: False)
        finally:
            self._end()

    def _end_soon(self, *_: Any) -> None:
        self._told_to_end = True

    def _stay_until(self, condition: Callable[[], bool], awaited: str = "") -> None:
        complain_at = time.monotonic() + PATIENCE_SECONDS
        ask_at = 0.0
        while not self._told_to_end:
            if time.monotonic() >= ask_at:  # not with each line that a child says
                if condition():
                    return
                ask_at = time.monotonic() + ASK_SECONDS
            self._show_output()
            for child in self._children:
                self._revive(child)
            if self._parent not in (None, os.getppid()):
                self._told_to_end = True
            if awaited and time.monotonic() > complain_at:
                complain_at = time.monotonic() + PATIENCE_SECONDS
                log(f"still waiting for {awaited}")

    def _start(self, *children: Child) -> None:
        for child in children:
            self._children.append(child)
            self._launch(child)

    def _launch(self, child: Child) -> None:
        child.started_at = time.monotonic()
        home = str(self._config.latent_home.resolve())
        try:
            child.process = subprocess.Popen(  # noqa: S603 (commands of our own)
                child.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=BASE_DIR,
                env={**os.environ, "LATENT_HOME": home, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,  # Ctrl-C in a terminal is for the supervisor alone
                preexec_fn=partial(end_with, os.getpid()),
            )
        except OSError as error:
            self._schedule(child, f"could not be started ({error.strerror})")
        else:
            assert child.process.stdout is not None
            os.set_blocking(child.process.stdout.fileno(), False)
            self._outputs.register(child.process.stdout, selectors.EVENT_READ, child)
            if child.gives_way:
                give_way(child.process.pid)

    def _revive(self, child: Child) -> None:
        if child.process is not None and not child.running:
            status = child.process.returncode
            self._clear_away(child)
            how = signal.strsignal(-status) if status < 0 else f"status {status}"
            self._schedule(child, f"ended ({how})")
        if child.process is None and time.monotonic() >= child.start_at:
            self._launch(child)

    def _schedule(self, child: Child, how: str) -> None:
        """Start a child again after a pause that doubles with each death soon after a start."""
        steady = time.monotonic() > child.started_at + STEADY_SECONDS
        child.failures = 1 if steady else child.failures + 1
        pause = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** (child.failures - 1))
        child.start_at = time.monotonic() + pause
        log(f"{child.name} {how}; starting it again in {pause:g} s")

    def _clear_away(self, child: Child) -> None:
        """End a child with all it has started, show its last words, and forget its process."""
        if child.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(child.process.pid, signal.SIGKILL)
        child.process.wait()
        while self._read(child):
            pass
        self._close(child)  # what it started may hold the other end for a moment yet
        if child.unfinished_line:
            show(child.name, child.unfinished_line)
        child.unfinished_line, child.process = b"", None

    def _end(self) -> None:
        """End all children; Redis last, since a worker that goes hands its job back."""
        brokers = [child for child in self._children if child.name == "redis"]
        others = [child for child in self._children if child.name != "redis"]
        for children, seconds in ((others, GOODBYE_SECONDS), (brokers, REDIS_GOODBYE_SECONDS)):
            for child in children:
                if child.process is not None:
                    child.process.terminate()
            give_up_at = time.monotonic() + seconds
            while any(child.running for child in children) and time.monotonic() < give_up_at:
                self._show_output()
            for child in children:
                self._clear_away(child)

    def _show_output(self) -> None:
        """Show what the children say in a turn."""
        for key, _ in self._outputs.select(TURN_SECONDS):
            self._read(key.data)

    def _read(self, child: Child) -> bool:
        """Show the lines that wait in a child's pipe; False where nothing more is to come now."""
        assert child.process is not None
        output = child.process.stdout
        if output is None or output.closed:
            return False
        try:
            said = os.read(output.fileno(), LONGEST_LINE)
        except BlockingIOError:
            return False
        if not said:
            self._close(child)
            return False
        *lines, child.unfinished_line = (child.unfinished_line + said).split(b"\n")
        for line in lines:
            show(child.name, line)
        return True

    def _close(self, child: Child) -> None:
        """Read no more from a child; it may have been closed before."""
        if child.process is not None and child.process.stdout is not None and not child.process.stdout.closed:
            self._outputs.unregister(child.process.stdout)
            child.process.stdout.close()
