"""For whoever watches over the site: is it alive, is it ready, how is it doing."""

import redis
from django.db import DatabaseError, connection
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from jobs import limits, progress, queues
from jobs.models import Job
from webapp.config import config


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """Everything a job needs is there: 200, or 503 with what is missing."""
    checks = {
        "database": _database_answers(),
        "broker": _broker_answers(),
        "disk": limits.free_bytes() > config().min_free_megabytes * 1_000_000,
        "worker": bool(queues.workers()),
    }
    return JsonResponse(
        {"ready": all(checks.values()), **checks}, status=200 if all(checks.values()) else 503
    )


def metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus."""
    registry = CollectorRegistry()
    jobs = Gauge("latent_jobs", "Jobs by operation and status", ["operation", "status"], registry=registry)
    for operation, status, count in (
        Job.objects.values_list("operation", "status").annotate(Count("id")).order_by()
    ):
        jobs.labels(operation, status).set(count)
    depth = Gauge("latent_queue_depth", "Jobs waiting in a queue", ["queue"], registry=registry)
    age = Gauge(
        "latent_queue_age_seconds", "How long the oldest job of a queue waits", ["queue"], registry=registry
    )
    now = timezone.now()
    waiting = Job.objects.queued().values_list("queue").annotate(Count("id"), Min("queued_at")).order_by()
    for queue, count, oldest in waiting:
        depth.labels(queue).set(count)
        age.labels(queue).set((now - oldest).total_seconds())
    workers = Gauge("latent_workers", "Workers seen within the last minute", ["device"], registry=registry)
    for worker in queues.workers():
        workers.labels(worker.device).inc()
    Gauge("latent_disk_free_bytes", "Free space where files are kept", registry=registry).set(
        limits.free_bytes()
    )
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _broker_answers() -> bool:
    try:
        return bool(progress.client().ping())
    except redis.RedisError:
        return False
