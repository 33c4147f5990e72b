"""What Celery is told: there is work in a queue. And how its processes come and go."""

import threading
from mmap import mmap
from typing import Any

from celery import Task, bootsteps, signals

from jobs import queues, runner
from ml.core.device import has_gpu
from webapp.celery import app

HEARTBEAT_SECONDS = 5

# Made before the fork: the parent sets it, its children see it. No lock guards it, which a killed child could keep.
_told_to_go = mmap(-1, 1)
hostname = ""


def told_to_go() -> bool:
    """Whether this worker has been told to end."""
    return bool(_told_to_go[0])


@app.task(bind=True, name=queues.WORK)
def work(task: "Task[[str], None]", queue: str) -> None:
    """Do the next job of a queue, if there is one, and say so if there is more."""
    done = runner.run_next(
        queue, worker=task.request.hostname, task_id=task.request.id, told_to_go=told_to_go
    )
    if done and not told_to_go():
        queues.announce_rest(queue)


@signals.celeryd_after_setup.connect
def worker_named(sender: str, **_: Any) -> None:
    global hostname
    hostname = sender


@signals.worker_process_init.connect
def child_started(**_: Any) -> None:
    threading.Thread(target=runner.warm_up, args=(hostname,), daemon=True).start()


@signals.worker_shutting_down.connect
def parent_told_to_go(**_: Any) -> None:
    _told_to_go[0] = 1


class SayIAmHere(bootsteps.StartStopStep):
    """Lets the site know every few seconds which workers there are, from the parent, which is never busy."""

    requires = ("celery.worker.components:Timer", "celery.worker.components:Pool")

    def start(self, worker: Any) -> None:
        device = "cuda" if has_gpu() else "cpu"
        taken = [queue.name for queue in app.amqp.queues.consume_from.values()]
        self.timer = worker.timer.call_repeatedly(
            HEARTBEAT_SECONDS, queues.i_am_here, (worker.hostname, taken, device)
        )
        queues.i_am_here(worker.hostname, taken, device)

    def stop(self, worker: Any) -> None:
        self.timer.cancel()


app.steps["worker"].add(SayIAmHere)
