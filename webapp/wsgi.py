"""The entry point of the web server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
application = get_wsgi_application()

import webapp.urls  # noqa: E402, F401 (before gunicorn forks, so that its processes share it)
