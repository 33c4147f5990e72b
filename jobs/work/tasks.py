"""What Celery is told: there is work in a queue. And how its processes come and go."""

import threading
import time
from mmap import mmap
from typing import Any

from celery import Task, shared_task, signals

from jobs.queue import broker
from jobs.work import child, runner

SMALL_SECONDS = 0.5
"""For so long one message does for job after job: between two tasks Celery takes as long as a small job."""

# Made before the fork: the parent sets it, its children see it. No lock guards it, which a killed child could keep.
_told_to_go = mmap(-1, 1)
hostname = ""


def told_to_go() -> bool:
    """Whether this worker has been told to end."""
    return bool(_told_to_go[0])


@shared_task(bind=True, name=broker.WORK)
def work(task: "Task[[str], None]", queue: str) -> None:
    """Do the next job of a queue, if there is one, go on while they are small, and say so if there is more."""
    go_on_until = time.monotonic() + SMALL_SECONDS
    while runner.run_next(
        queue, worker=task.request.hostname, task_id=task.request.id, told_to_go=told_to_go
    ):
        if told_to_go():
            return
        if time.monotonic() > go_on_until:
            broker.announce_rest(queue)
            return


@signals.celeryd_after_setup.connect
def worker_named(sender: str, **_: Any) -> None:
    global hostname
    hostname = sender


@signals.worker_process_init.connect
def child_started(**_: Any) -> None:
    threading.Thread(target=child.warm_up, args=(hostname,), daemon=True).start()


@signals.worker_shutting_down.connect
def parent_told_to_go(**_: Any) -> None:
    _told_to_go[0] = 1
