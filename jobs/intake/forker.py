"""`python -m jobs.intake.forker`: forks a child for each upload, which decodes it within limits and ends.

Decoders are imported once, here, so that a child costs milliseconds. Its standard input is a socket on which it is
handed the end of another for each upload: the child reads its order there and writes its reply; of a child that is
killed, this process tells by what. It ends with whoever holds the other end of its input, and its children with it.
"""

import contextlib
import gc
import json
import os
import random
import resource
import signal
import socket
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from jobs.intake.decoding import decode
from jobs.intake.developed import Allowed, Order
from jobs.intake.replies import Death

MOST_CORES = 4
"""Of one child: FFmpeg keeps frames for each thread."""
MOST_FILES = 64
LONGEST_ORDER = 65_536
IDLE_SECONDS = 600.0
"""Then its memory is given back, and the next upload starts another one."""

_children: dict[int, socket.socket] = {}


def main() -> None:
    orders = socket.socket(fileno=sys.stdin.fileno())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it decides when it ends
    signal.signal(signal.SIGCHLD, _bury)
    _warm_up()
    gc.freeze()  # what is never collected stays shared with the children
    orders.settimeout(IDLE_SECONDS)
    try:
        while handed := _next(orders):
            _fork(socket.socket(fileno=handed[0]))
    finally:
        for child in _children:
            os.kill(child, signal.SIGKILL)


def _next(orders: socket.socket) -> list[int]:
    """The line of the next order; none where nobody can send one any more, or nobody has for long."""
    while True:
        try:
            return socket.recv_fds(orders, 1, 1)[1]
        except TimeoutError:
            if not _children:
                return []


def _warm_up() -> None:
    """What is loaded, compiled and built at the first picture is so before the first child is forked."""
    Image.init()
    with TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        for written in ("JPEG", "PNG"):
            Image.new("RGB", (8, 8)).save(source, written)
            made = Path(folder) / written
            decode(Order(source, made, Allowed(1, 1, Path(folder)))).model_dump_json()


def _fork(line: socket.socket) -> None:
    # A child that ends at once must be known before it is buried.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    child = os.fork()
    if child:
        _children[child] = line
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        return
    try:
        _work(line)
    finally:
        os._exit(0)


def _bury(*_: Any) -> None:
    for child in list(_children):
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            with _children.pop(child) as line, contextlib.suppress(OSError):
                if status:
                    ended_by = max(0, -os.waitstatus_to_exitcode(status))
                    line.sendall(Death(signal=ended_by).model_dump_json().encode() + b"\n")


def _work(line: socket.socket) -> None:
    _let_go_of_all_but(line)
    order = json.loads(line.makefile("rb").readline(LONGEST_ORDER))
    _limit(order["seconds"], order["bytes"])
    allowed = Allowed(
        order["megabytes"], order["megapixels"], Path(order["folder"]), frozenset(order["formats"])
    )
    reply = decode(Order(Path(order["source"]), Path(order["made"]), allowed))
    line.sendall(reply.model_dump_json().encode() + b"\n")


def _let_go_of_all_but(line: socket.socket) -> None:
    for number in (signal.SIGCHLD, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    for other in _children.values():
        other.close()
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):  # a decoder's remarks are a stranger's words
        os.dup2(nothing, standard)


def _limit(seconds: int, most_bytes: int) -> None:
    """From here on the kernel ends this process where it takes too long, and gives it no more memory than that."""
    signal.alarm(2 * seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))  # the second would be SIGKILL
    for what, limit in (
        (resource.RLIMIT_DATA, most_bytes),  # not the address space: threads reserve much, and use little
        (resource.RLIMIT_FSIZE, most_bytes),
        (resource.RLIMIT_NOFILE, MOST_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (limit, limit))
    with contextlib.suppress(
        OSError
    ):  # where a machine is short of memory after all, this process goes first
        Path("/proc/self/oom_score_adj").write_text("1000")
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, random.sample(cores, min(MOST_CORES, len(cores))))


if __name__ == "__main__":
    main()
