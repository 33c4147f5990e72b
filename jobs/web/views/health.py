"""For whoever watches over the site: is it alive, is it ready, how is it doing."""

import tempfile

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from jobs.intake import limits
from jobs.queue import redis_client, workers
from jobs.web.metrics import Site


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """Everything a job needs is there: 200, or 503 with what is missing."""
    seen = [worker.seen_at for worker in workers.workers()]
    checks = {
        "database": _database_answers(),
        "broker": redis_client.takes_writes(),
        "disk": _disk_takes_files(),
        "worker": bool(seen),
    }
    ready = all(checks.values())
    told = {"ready": ready, **checks, "workers_seen_at": seen}
    response = JsonResponse(told, status=200 if ready else 503)
    response._has_been_logged = True  # type: ignore[attr-defined]  # not to be ready is no error of the site's
    return response


def metrics(request: HttpRequest) -> HttpResponse:
    registry = CollectorRegistry()
    registry.register(Site())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _disk_takes_files() -> bool:
    """That there is room does not tell that the disk is not read-only."""
    if limits.free_bytes() <= settings.LATENT.min_free_megabytes * 1_000_000:
        return False
    try:
        with tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as file:
            file.write(b"ready")
    except OSError:
        return False
    return True
