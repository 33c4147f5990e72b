"""Queues and workers: who is where in line, for how long, and what the broker and the workers say."""

import logging

import redis
from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError

from jobs import logs
from jobs.models import FairShare, Job
from jobs.queue import redis_client
from ml.core.operation import Operation

log = logging.getLogger(__name__)
WORK = "jobs.work.tasks.work"


def queue_of(operation: Operation) -> str:
    """The queue in which jobs of an operation wait."""
    return "gpu" if operation.accelerator == "gpu-preferred" and settings.LATENT.gpu_queue else "cpu"


def announce(queue: str) -> None:
    """Tell a worker that there is work in this queue. A hint: where the broker is away, `reap` says it again."""
    try:
        current_app.send_task(WORK, args=[queue], queue=queue, retry=False)
    except (OperationalError, redis.RedisError, OSError) as error:
        log.warning("no worker could be told of work in the queue %s: %s", queue, error)


def announce_rest(queue: str) -> None:
    """After a job: announce what still waits in its queue, unless a message waits there already."""
    if FairShare.objects.filter(queue=queue, waiting__gt=0).exists():
        announce_if_silent(queue)


def announce_if_silent(queue: str) -> None:
    """Announce work in a queue in which no message waits."""
    try:
        waiting = redis_client.client().llen(queue)
    except redis.RedisError:
        return
    if not waiting:
        announce(queue)


def end_child(job: Job) -> None:
    """End the process that runs a job which does not heed. The worker starts another child."""
    if not job.task_id:
        return
    try:
        current_app.control.revoke(
            job.task_id, terminate=True, signal="SIGKILL", destination=[job.worker] if job.worker else None
        )
    except (OperationalError, redis.RedisError, OSError) as error:
        with logs.about(job=str(job.uuid), request=job.request_id):
            log.warning("the child that runs job %s could not be ended: %s", job.uuid, error)
