"""The Celery app: how messages travel and how children are kept. What a job is, it does not know."""

import os
from functools import partial
from typing import Any

from celery import Celery, bootsteps, signals
from kombu.transport import redis, virtual

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
# Asking torch whether there is a GPU must not initialise CUDA in a process that forks.
os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
# Django's checks import every page of the site, which a worker has no use for.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

from django.conf import settings

from webapp.supervisor.processes import end_with

HERE_SECONDS = 5
LONGEST_JOB_SECONDS = 3600  # a job's own deadline is in its row; this bounds a message
BROKER_URL = settings.REDIS_URL.replace("unix://", "redis+socket://", 1)

app = Celery("latent", broker=BROKER_URL)
app.conf.update(
    task_ignore_result=True,
    task_default_queue="cpu",
    task_acks_late=True,
    task_reject_on_worker_lost=False,  # a message is a hint: `claim` and `reap` see to the job
    task_time_limit=LONGEST_JOB_SECONDS,
    broker_transport_options={
        "visibility_timeout": LONGEST_JOB_SECONDS + 600,
        "socket_timeout": 10,
        "socket_connect_timeout": 2,
        "max_retries": 1,
        "interval_start": 0,  # whoever sends waits for no broker: a message is a hint
    },
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_soft_shutdown_timeout=5,
    worker_proc_alive_timeout=30,  # on a busy machine a child takes longer than Celery's 4 s to say that it lives
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_enable_remote_control=True,
)
app.autodiscover_tasks(["jobs.work"])


class Message(virtual.Message):
    """One that fails where it cannot be acknowledged: its worker connects anew.

    Kombu logs that and goes on, and a worker that takes one message at a time would wait for this one for ever.
    """

    def ack_log_error(self, logger: Any, errors: Any, multiple: bool = False) -> None:
        self.ack(multiple=multiple)  # type: ignore[no-untyped-call]


redis.Channel.Message = Message


class SayIAmHere(bootsteps.StartStopStep):
    """Lets the site know every few seconds which workers there are, from the parent, which is never busy."""

    requires = ("celery.worker.components:Timer", "celery.worker.components:Pool")

    def start(self, worker: Any) -> None:
        from jobs.queue.workers import i_am_here
        from ml.core.device import has_gpu

        device = "cuda" if has_gpu() else "cpu"
        taken = [queue.name for queue in app.amqp.queues.consume_from.values()]
        self.timer = worker.timer.call_repeatedly(HERE_SECONDS, i_am_here, (worker.hostname, taken, device))
        i_am_here(worker.hostname, taken, device)

    def stop(self, worker: Any) -> None:
        self.timer.cancel()


app.steps["worker"].add(SayIAmHere)

_end_with_worker = partial(end_with, os.getpid())


@signals.worker_process_init.connect
def child_started(**_: object) -> None:
    """A child does not go on with a job when its worker has been killed."""
    _end_with_worker()
