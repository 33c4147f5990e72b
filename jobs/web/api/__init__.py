"""The HTTP API, version 1."""

from jobs.web.api import errors, jobs, photos, webhooks
from jobs.web.api.app import api

__all__ = ["api", "errors", "jobs", "photos", "webhooks"]
