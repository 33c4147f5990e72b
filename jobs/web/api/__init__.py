"""The HTTP API, version 1."""

from jobs.web.api import batches, errors, jobs, photos, presets
from jobs.web.api.app import api

__all__ = ["api", "batches", "errors", "jobs", "photos", "presets"]
