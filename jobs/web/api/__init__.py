"""The HTTP API, version 1."""

from jobs.web.api import albums, errors, jobs, links, photos
from jobs.web.api.app import api

__all__ = ["albums", "api", "errors", "jobs", "links", "photos"]
