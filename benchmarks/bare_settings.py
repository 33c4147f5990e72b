"""The site without all that stands between a request and its view."""

from webapp.settings import *  # noqa: F403

MIDDLEWARE: list[str] = []
ROOT_URLCONF = "benchmarks.bare"
