from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class JobsConfig(AppConfig):
    name = "jobs"
    verbose_name = "Latent"

    def ready(self) -> None:
        user_logged_in.connect(_take_along, dispatch_uid="latent-take-along")


def _take_along(request: Any, user: Any, **_signal: Any) -> None:
    """On logging in, by whichever door."""
    from jobs.web.identity import take_along

    take_along(request, user)
