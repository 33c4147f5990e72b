"""Waiting without keeping the others waiting."""

from django.http import HttpRequest

from jobs.intake.turns import Aside


def aside(request: HttpRequest) -> Aside | None:
    """Within which the thread of a request waits while another works in its place; None where the web server cannot do that."""
    parked: Aside | None = request.META.get("latent.parked")
    return parked
