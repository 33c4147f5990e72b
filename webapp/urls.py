"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path

from jobs.web.api import api
from jobs.web.views import (
    account,
    catalogue,
    choose,
    errors,
    files,
    gallery,
    health,
    home,
    job,
    library,
    new_job,
    shared,
    uploads,
)

admin.autodiscover()

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error

account_urls = [
    path("", account.settings, name="account"),
    path("facts", account.facts, name="account-facts"),
    path("password", account.password, name="account-password"),
    path("delete", account.delete, name="account-delete"),
    path("export", account.export, name="account-export"),
    path("tokens", account.tokens, name="tokens"),
    path("tokens/<int:token_id>/revoke", account.revoke_token, name="token-revoke"),
]

urlpatterns = [
    path("", home.home, name="home"),
    path("photos", uploads.upload, name="upload"),
    path("choose", choose.choose, name="choose"),
    path("new/<slug:slug>", new_job.new_job, name="new-job"),
    path("new/<slug:slug>/cost", new_job.cost, name="new-job-cost"),
    path("library/", library.library, name="library"),
    path("library/do", library.act, name="library-act"),
    path("library/trash", library.trashed, name="library-trash"),
    path("library/<uuid:photo_id>", library.photo, name="photo"),
    path("jobs/", gallery.gallery, name="gallery"),
    path("jobs/delete", gallery.delete, name="gallery-delete"),
    path("jobs/<uuid:job_uuid>", job.job, name="job"),
    path("jobs/<uuid:job_uuid>/status", job.status, name="job-status"),
    path("jobs/<uuid:job_uuid>/tile", gallery.tile, name="job-tile"),
    path("jobs/<uuid:job_uuid>/preview", files.preview, name="job-preview"),
    path("jobs/<uuid:job_uuid>/cancel", job.cancel, name="job-cancel"),
    path("jobs/<uuid:job_uuid>/retry", job.retry, name="job-retry"),
    path("jobs/<uuid:job_uuid>/delete", job.delete, name="job-delete"),
    path("jobs/<uuid:job_uuid>/keep", job.keep, name="job-keep"),
    path("jobs/<uuid:job_uuid>/share", job.share, name="job-share"),
    path("jobs/<uuid:job_uuid>/use", job.use, name="job-use"),
    path("files/photos/<uuid:photo_id>", files.photo, name="photo-file"),
    path("files/outputs/<uuid:output_id>", files.output, name="output-file"),
    path("s/<str:token>", shared.shared, name="shared"),
    path("s/<str:token>/outputs/<uuid:output_id>", files.shared_output, name="shared-output"),
    path("s/<str:token>/photos/<uuid:photo_id>", files.shared_photo, name="shared-photo"),
    path("links/", shared.links, name="links"),
    path("links/<int:link_id>/revoke", shared.revoke, name="link-revoke"),
    path("operations/<slug:slug>", catalogue.operation, name="operation"),
    path("weights/", catalogue.weights, name="weights"),
    path("weights/<str:name>", catalogue.card, name="weights-card"),
    path("weights/<str:name>/curve", catalogue.curve, name="weights-curve"),
    path("weights/<str:name>/nearest", catalogue.nearest, name="weights-nearest"),
    path("signup", account.sign_up, name="signup"),
    path("login", account.LogIn.as_view(), name="login"),
    path("logout", account.LogOut.as_view(), name="logout"),
    path("account/", include(account_urls)),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("api/v1/", api.urls),
    path("admin/password_change/", admin.site.admin_view(account.password)),
    path("admin/", admin.site.urls),
]
