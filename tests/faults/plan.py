"""The faults, and the order in which a seed throws them."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil
import redis
from kombu.exceptions import OperationalError

from tests.faults.stack import Database, Need, Stack
from tests.support import SHORT_TIMES

BEYOND_THE_LEASE = float(SHORT_TIMES["LEASE_SECONDS"]) + 2
A_WHILE = 2.0
JUMP_HOURS = 2  # further than any timeout of Celery's or of a deadline


@dataclass(frozen=True)
class Fault:
    """`needs` is what this machine must let us have for it; with a `database`, it means something there only."""

    throw: Callable[[Stack], object]
    needs: Need | None = None
    database: Database | None = None


def kill(name: str) -> Fault:
    return Fault(lambda stack: stack.process(name).kill())


def kill_redis_with_its_data(stack: Stack) -> None:
    stack.process("redis").kill()
    stack.forget_redis()


def freeze_worker(stack: Stack) -> None:
    """Away beyond its lease, and back again: it must not write what is another's by then."""
    worker = stack.process("worker")
    freeze([worker, *worker.children()], BEYOND_THE_LEASE)


def freeze(processes: list[psutil.Process], seconds: float) -> None:
    with suppress(psutil.NoSuchProcess):
        for process in processes:
            process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGCONT)


def unreachable_redis(stack: Stack) -> None:
    with stack.unreachable_redis():
        time.sleep(A_WHILE)


def full_redis(stack: Stack) -> None:
    with stack.full_redis():
        time.sleep(A_WHILE)


def full_disk(folder: str) -> Fault:
    def fault(stack: Stack) -> None:
        with stack.full_disk(folder):
            time.sleep(A_WHILE)

    return Fault(fault, needs="small disks")


def lock_database(stack: Stack) -> None:
    with stack.locked_database():
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


def set_clock(hours: int) -> Fault:
    return Fault(lambda stack: stack.clock.jump(hours), needs="faketime")


def set_clock_of_database(hours: int) -> Fault:
    return Fault(lambda stack: stack.server.clock.jump(hours), needs="faketime", database="postgresql")


FAULTS: Mapping[str, Fault] = {
    "kill the worker's child": Fault(lambda stack: stack.workers_child().kill()),
    "kill the worker": kill("worker"),
    "kill the clock": kill("clock"),
    "kill the web server": kill("web"),
    "kill Redis": kill("redis"),
    "kill Redis, data lost": Fault(kill_redis_with_its_data),
    "kill the database": Fault(lambda stack: stack.restart_database(kill=True), database="postgresql"),
    "end the worker gently": Fault(lambda stack: stack.process("worker").terminate()),
    "restart the database": Fault(lambda stack: stack.restart_database(), database="postgresql"),
    "freeze the worker beyond its lease": Fault(freeze_worker),
    "freeze its child alone": Fault(lambda stack: freeze([stack.workers_child()], BEYOND_THE_LEASE)),
    "freeze Redis": Fault(lambda stack: freeze([stack.process("redis")], A_WHILE)),
    "lock the database": Fault(lock_database),
    "no broker at submit": Fault(unreachable_redis),
    "no room at upload": full_disk("photos"),
    "no room at output": full_disk("outputs"),
    "no room at preview": Fault(full_redis),
    "deliver a message ten times": Fault(repeat_message),
    "lose all messages": Fault(lose_messages),
    "reap twice at once": Fault(reap_twice),
    "clock two hours ahead": set_clock(JUMP_HOURS),
    "clock two hours back": set_clock(-JUMP_HOURS),
    "database's clock ahead": set_clock_of_database(JUMP_HOURS),
    "database's clock back": set_clock_of_database(-JUMP_HOURS),
}


def plan(seed: int, names: list[str]) -> Iterator[str]:
    """Faults without end: each kind once, in any order, then each once more."""
    chance = random.Random(seed)
    while True:
        yield from chance.sample(names, len(names))
