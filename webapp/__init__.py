"""The Django project: settings, URLs, the Celery app. Wiring, no logic."""
