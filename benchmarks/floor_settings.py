"""The site, with the view that its polls are compared with."""

from webapp.settings import *  # noqa: F403
from webapp.settings import STORAGES as SHIPPED

ROOT_URLCONF = "benchmarks.floor"
STORAGES = SHIPPED | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
