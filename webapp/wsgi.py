"""The entry point of the web server."""

import os
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
application = get_wsgi_application()

from django.db import connections  # noqa: E402

PATIENCE_SECONDS = 5


def limit_patience(database: dict[str, Any]) -> None:
    """A worker may wait for a lock; a person is told after some seconds that the database is busy, and asks again."""
    options = database["OPTIONS"]
    if database["ENGINE"] == "django.db.backends.sqlite3":
        options["timeout"] = PATIENCE_SECONDS
    else:
        own = f"-c lock_timeout={PATIENCE_SECONDS * 1000}"
        options["options"] = f"{own} {options.get('options', '')}".rstrip()
        options.setdefault("connect_timeout", PATIENCE_SECONDS)


limit_patience(connections.settings["default"])

# Before gunicorn forks, so that its processes share them.
import webapp.server.connections  # noqa: E402
import webapp.urls  # noqa: E402, F401
