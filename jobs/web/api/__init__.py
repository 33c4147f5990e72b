"""The HTTP API, version 1."""

from jobs.web.api import albums, batches, errors, jobs, links, photos, presets, webhooks
from jobs.web.api.app import api

__all__ = ["albums", "api", "batches", "errors", "jobs", "links", "photos", "presets", "webhooks"]
