"""The Celery app: how messages travel and how children are kept. What a job is, it does not know."""

import logging
import os
from collections.abc import Callable
from functools import cache, partial
from queue import Empty
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

log = logging.getLogger(__name__)

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


class Channel(redis.Channel):
    """Drops what it cannot read. By itself it ends the worker, and the next one, where a message lies in its way."""

    Message = Message

    def basic_consume(
        self, queue: str, no_ack: bool, callback: Callable[[Any], Any], consumer_tag: str, **options: Any
    ) -> Any:
        def guarded(message: Any) -> Any:
            try:
                _check(message)
                return callback(message)
            except self._not_of_the_message():
                raise
            except Exception as error:
                _dropped(queue, error)
                message.reject()

        return super().basic_consume(queue, no_ack, guarded, consumer_tag, **options)  # type: ignore[no-untyped-call]

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except self._not_of_the_message():
            raise
        except Exception as error:
            _dropped("", error)
            return True

    def _not_of_the_message(self) -> tuple[type[Exception], ...]:
        transport: Any = self.connection
        return (*transport.connection_errors, Empty)


def _check(message: Any) -> None:
    """Raise for what is unlike our own messages: some of it a worker takes up, and then fails at with a place in its
    pool taken that nobody gives back."""
    usual = _usual_headers()
    for name, value in message.headers.items():
        # What is not Celery's own is left alone: whoever traces messages adds headers.
        if name in usual and value is not None and not _alike(value, usual[name]):
            raise ValueError(f"the header {name[:30]} is none of ours")


def _alike(value: object, usual: object) -> bool:
    """Whether Celery may have written it there. What a child sends has the limits of the task that it is in."""
    if isinstance(usual, list | tuple):
        return (
            isinstance(value, list | tuple)
            and len(value) == len(usual)
            and all(each is None or isinstance(each, int | float) for each in value)
        )
    return value == usual or (isinstance(value, str) and isinstance(usual, str))


@cache
def _usual_headers() -> dict[str, Any]:
    headers: dict[str, Any] = app.amqp.as_task_v2("-", "-", args=["-"], root_id="-", parent_id="-").headers
    return headers


def _dropped(queue: str, error: Exception) -> None:
    # Not the message itself: it is a stranger's, and of any length.
    log.error(
        "A message that cannot be read was dropped%s: %s", queue and f" from {queue}", repr(error)[:200]
    )


redis.Transport.Channel = Channel


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
