"""The view that a poll is compared with: it reads what it must, one row and one hash, and asks nobody's name."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from jobs.models import Job
from jobs.queue import redis_client


def floor(request: HttpRequest, job_uuid: UUID) -> HttpResponse:
    job = Job.objects.get(uuid=job_uuid)
    said = redis_client.client().hgetall(f"latent:job:{job_uuid}")
    return HttpResponse(f"{job.status} {said!r}")


urlpatterns = [path("floor/<uuid:job_uuid>", floor), path("", include("webapp.urls"))]
