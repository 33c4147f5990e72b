"""What a queue of jobs is compared with: a bare Celery task, and a Django view that does next to nothing."""

import os
from uuid import UUID

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.bare_settings")

import redis
from celery import Celery
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

app = Celery("bare", broker=settings.REDIS_URL.replace("unix://", "redis+socket://", 1))
app.conf.update(
    task_ignore_result=True, task_acks_late=True, worker_prefetch_multiplier=1, task_default_queue="bare"
)
client = redis.Redis.from_url(settings.REDIS_URL)


@app.task
def nothing(key: str) -> None:
    """Says that it was done."""
    client.set(key, 1, ex=60)


def floor(request: HttpRequest, job_uuid: UUID) -> HttpResponse:
    """One row, one hash."""
    from jobs.models import Job

    job = Job.objects.get(uuid=job_uuid)
    said = client.hgetall(f"latent:job:{job_uuid}")
    return HttpResponse(f"{job.status} {said!r}")


urlpatterns = [path("floor/<uuid:job_uuid>", floor), path("", include("webapp.urls"))]
