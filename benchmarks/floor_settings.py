"""The site, with the view that its polls are compared with."""

from webapp.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.floor"
