"""Every address of the site."""

from django.contrib import admin
from django.urls import path

from jobs.api import api
from jobs.views import files, health, pages

urlpatterns = [
    path("", pages.home, name="home"),
    path("new/<slug:slug>", pages.new_job, name="new-job"),
    path("jobs/", pages.gallery, name="gallery"),
    path("jobs/<uuid:job_uuid>", pages.job, name="job"),
    path("jobs/<uuid:job_uuid>/status", pages.status, name="job-status"),
    path("jobs/<uuid:job_uuid>/preview", files.preview, name="job-preview"),
    path("jobs/<uuid:job_uuid>/cancel", pages.cancel, name="job-cancel"),
    path("jobs/<uuid:job_uuid>/retry", pages.retry, name="job-retry"),
    path("jobs/<uuid:job_uuid>/delete", pages.delete, name="job-delete"),
    path("files/photos/<uuid:photo_id>", files.photo, name="photo-file"),
    path("files/outputs/<uuid:output_id>", files.output, name="output-file"),
    path("s/<str:token>", pages.shared, name="shared"),
    path("s/<str:token>/outputs/<uuid:output_id>", files.shared_output, name="shared-output"),
    path("s/<str:token>/photos/<uuid:photo_id>", files.shared_photo, name="shared-photo"),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("api/v1/", api.urls),
    path("admin/", admin.site.urls),
]
