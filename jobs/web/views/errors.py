"""What a person, or a program, reads when there is no page to show."""

import logging
import sys
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from jobs.access import guessing
from jobs.errors import Refused
from jobs.messages import (
    BAD_REQUEST,
    DATABASE_AWAY,
    FORBIDDEN,
    FORM_TOO_OLD,
    INTERNAL,
    NOTHING_HERE,
)
from jobs.web.problems import problem

AWAY_SECONDS = 10

log = logging.getLogger(__name__)


def refused(request: HttpRequest, error: Refused) -> HttpResponse:
    """A page in words, or a problem for a program."""
    if wants_json(request):
        return problem(error)
    title = {
        400: _("This cannot be read"),
        401: _("Nobody we know"),
        403: _("Not allowed"),
        404: _("Nothing here"),
        405: _("Not this way"),
        409: _("Not any more"),
        413: _("Too large"),
        429: _("Too much at once"),
        503: _("Full for now"),
        507: _("No room left"),
    }.get(error.status, HTTPStatus(error.status).phrase)
    context = {"status": error.status, "title": title, "sentence": str(error)}
    response = render(request, "error.html", context, status=error.status)
    if error.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if error.retry_after:
        response["Retry-After"] = str(error.retry_after)
    return response


def wants_json(request: HttpRequest) -> bool:
    """Whether a program asks, or a script of a page."""
    return request.path.startswith("/api/") or (
        request.accepts("application/json") and not request.accepts("text/html")
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refused(request, Refused(BAD_REQUEST, status=400))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refused(request, Refused(FORBIDDEN, status=403))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refused(request, Refused(NOTHING_HERE, code="not_found", status=404))


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    return refused(request, Refused(FORM_TOO_OLD, code="csrf", status=403))


def locked_out(request: HttpRequest, *_details: object) -> HttpResponse:
    """Too many wrong passwords for this name from this address."""
    return refused(request, guessing.too_many())


def database_away(request: HttpRequest, error: BaseException) -> HttpResponse:
    """While it is restarted, or locked for long."""
    log.warning("the database is away: %s", error)
    if hasattr(request, "session"):
        request.session.modified = False  # to keep it would be to wait once more
    response = _in_words(request, Refused(DATABASE_AWAY, status=503))
    response["Retry-After"] = str(AWAY_SECONDS)
    response._has_been_logged = True  # type: ignore[attr-defined]  # no error of the site's
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """What no view has raised, but a session that could not be kept, say, comes here too."""
    error = sys.exc_info()[1]
    if isinstance(error, (OperationalError, InterfaceError)):
        return database_away(request, error)
    return _in_words(request, Refused(INTERNAL, status=500))


def _in_words(request: HttpRequest, error: Refused) -> HttpResponse:
    """Shown when anything may be broken: it asks neither database nor session."""
    if wants_json(request):
        return problem(error)
    page = render_to_string("500.html", {"status": error.status, "sentence": str(error)})
    return HttpResponse(page, status=error.status)
