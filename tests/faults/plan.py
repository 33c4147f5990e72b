"""The faults, and the order in which a seed throws them."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

import psutil
import redis
from kombu.exceptions import OperationalError

from tests.faults.stack import Stack
from tests.support import SHORT_TIMES

BEYOND_THE_LEASE = float(SHORT_TIMES["LEASE_SECONDS"]) + 2
A_WHILE = 2.0


def kill(name: str) -> Callable[[Stack], None]:
    def fault(stack: Stack) -> None:
        if process := stack.process(name):
            process.kill()

    return fault


def kill_child(stack: Stack) -> None:
    if child := stack.workers_child():
        child.kill()


def kill_redis_with_its_data(stack: Stack) -> None:
    if process := stack.process("redis"):
        process.kill()
        stack.forget_redis()


def end_worker_gently(stack: Stack) -> None:
    if process := stack.process("worker"):
        process.terminate()


def freeze_worker(stack: Stack) -> None:
    """Away beyond its lease, and back again: it must not write what is another's by then."""
    worker = stack.process("worker")
    if worker:
        freeze([worker, *worker.children()], BEYOND_THE_LEASE)


def freeze_redis(stack: Stack) -> None:
    """A broker that does not answer while work is submitted."""
    if process := stack.process("redis"):
        freeze([process], A_WHILE)


def freeze(processes: list[psutil.Process], seconds: float) -> None:
    with suppress(psutil.NoSuchProcess):
        for process in processes:
            process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGCONT)


def lock_database(stack: Stack) -> None:
    with stack.locked_database():
        time.sleep(A_WHILE)


def fill_disk(stack: Stack) -> None:
    with stack.full_disk():
        time.sleep(A_WHILE)


def repeat_message(stack: Stack) -> None:
    with suppress(OperationalError):
        stack.announce(10)


def lose_messages(stack: Stack) -> None:
    with suppress(redis.RedisError):
        stack.redis.delete("cpu")


def reap_twice(stack: Stack) -> None:
    """A second clock beside the first."""
    clock = subprocess.Popen([sys.executable, "manage.py", "clock"], env=stack.environment)
    time.sleep(2 * A_WHILE)
    clock.kill()
    clock.wait()


FAULTS: Mapping[str, Callable[[Stack], None]] = {
    "kill the worker's child": kill_child,
    "kill the worker": kill("worker"),
    "kill the clock": kill("clock"),
    "kill the web server": kill("web"),
    "kill Redis": kill("redis"),
    "kill Redis, data lost": kill_redis_with_its_data,
    "end the worker gently": end_worker_gently,
    "freeze the worker beyond its lease": freeze_worker,
    "freeze Redis": freeze_redis,
    "lock the database": lock_database,
    "fill the disk": fill_disk,
    "deliver a message ten times": repeat_message,
    "lose all messages": lose_messages,
    "reap twice at once": reap_twice,
}


def plan(seed: int, names: list[str]) -> Iterator[str]:
    """Faults without end: each kind once, in any order, then each once more."""
    chance = random.Random(seed)
    while True:
        yield from chance.sample(names, len(names))
