"""What Celery is told: there is work in a queue. And how its processes come and go."""

import threading
from pathlib import Path
from typing import Any

from billiard import Event
from celery import Task, bootsteps, signals

from jobs import queues, runner
from webapp.celery import app

HEARTBEAT_SECONDS = 5

told_to_go = Event()  # made before the fork: the parent sets it, its children see it
hostname = ""


@app.task(bind=True, name=queues.WORK)
def work(task: "Task[[str], None]", queue: str) -> None:
    """Do the next job of a queue, if there is one, and say so if there is more."""
    done = runner.run_next(
        queue, worker=task.request.hostname, task_id=task.request.id, told_to_go=told_to_go.is_set
    )
    if done and not told_to_go.is_set():
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
    told_to_go.set()


class SayIAmHere(bootsteps.StartStopStep):
    """Lets the site know every few seconds which workers there are, from the parent, which is never busy."""

    requires = ("celery.worker.components:Timer",)

    def start(self, worker: Any) -> None:
        device = "cuda" if Path("/dev/nvidia0").exists() else "cpu"  # asking torch would import it here
        taken = [queue.name for queue in app.amqp.queues.consume_from.values()]
        self.timer = worker.timer.call_repeatedly(
            HEARTBEAT_SECONDS, queues.i_am_here, (worker.hostname, taken, device)
        )
        queues.i_am_here(worker.hostname, taken, device)

    def stop(self, worker: Any) -> None:
        self.timer.cancel()


app.steps["worker"].add(SayIAmHere)
