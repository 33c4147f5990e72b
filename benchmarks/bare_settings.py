"""The site, with the view it is compared with."""

from webapp.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.bare"
