"""The web process's end of `forker`: started at the first upload, and again where it has died."""

import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

PROJECT = Path(__file__).parents[2]
KEPT_VARIABLES = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "TZ")
LONGEST_REPLY = 1_000_000


class NoReply(Exception):
    """A child was ordered, and neither it nor the forker said what became of it."""


class Forker:
    """Forks children that decode; for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._orders: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def ask(self, order: bytes, seconds: float) -> bytes:
        """What a new child says to an order, both a line; raises `NoReply` after so many seconds at the latest."""
        ours, theirs = socket.socketpair()
        with ours:
            ours.settimeout(seconds)
            with suppress(OSError):  # it cannot be started, is dead, or stuck, which is no reply either
                with theirs:
                    self._hand_over(theirs)
                ours.sendall(order + b"\n")
                if reply := ours.makefile("rb").readline(LONGEST_REPLY):
                    return reply
        raise NoReply

    def _hand_over(self, line: socket.socket) -> None:
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._start()
            try:
                self._send(line)
            except OSError:  # it has just died
                self._start()
                self._send(line)

    def _send(self, line: socket.socket) -> None:
        assert self._orders
        socket.send_fds(self._orders, [b"\0"], [line.fileno()])

    def _start(self) -> None:
        if self._orders:
            self._orders.close()
        self._orders, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jobs.intake.forker"],
                stdin=theirs.fileno(),
                cwd=PROJECT,
                env=_environment(),
            )


def _environment() -> dict[str, str]:
    """Without the site's secrets, and without threads of arithmetic, which a fork would not take along."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return kept | {
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        # A child has nothing to use again: with small pages its 12 megapixels take a sixth longer.
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    }
