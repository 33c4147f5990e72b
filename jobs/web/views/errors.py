"""What a person, or a program, reads when there is no page to show."""

from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from jobs.errors import Refused
from jobs.web.problems import problem

AWAY_SECONDS = 10


def refusal(
    request: HttpRequest, status: int, code: str, sentence: str, retry_after: int | None = None
) -> HttpResponse:
    """A page in words, or a problem for a program."""
    if wants_json(request):
        return problem(status, code, sentence, retry_after)
    title = {
        400: _("This cannot be read"),
        403: _("Not allowed"),
        404: _("Nothing here"),
        405: _("Not this way"),
        409: _("Not any more"),
        413: _("Too large"),
        429: _("Too much at once"),
        503: _("Full for now"),
        507: _("No room left"),
    }.get(status, HTTPStatus(status).phrase)
    response = render(
        request, "error.html", {"status": status, "title": title, "sentence": sentence}, status=status
    )
    if retry_after:
        response["Retry-After"] = str(retry_after)
    return response


def wants_json(request: HttpRequest) -> bool:
    """Whether a program asks, or a script of a page."""
    return request.path.startswith("/api/") or (
        request.accepts("application/json") and not request.accepts("text/html")
    )


def refused(request: HttpRequest, error: Refused) -> HttpResponse:
    return refusal(request, error.status, error.code, str(error), error.retry_after)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refusal(
        request,
        400,
        "bad_request",
        _("Your browser sent something that makes no sense here. Go back and try again."),
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refusal(request, 403, "forbidden", _("This is not for you to see. Log in as somebody who may."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refusal(
        request,
        404,
        "not_found",
        _(
            "There is nothing at this address: it was deleted, its link has expired, or it is not yours to see."
        ),
    )


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    return refusal(
        request,
        403,
        "csrf",
        _(
            "This form is too old, or your browser sends no cookies. Go back, reload the page and send it again."
        ),
    )


def locked_out(request: HttpRequest, *_details: object) -> HttpResponse:
    """Too many wrong passwords for this name from this address."""
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    return refusal(
        request,
        429,
        "too_many_attempts",
        _("Too many wrong passwords. Try again in {minutes} minutes.").format(minutes=seconds // 60),
        seconds,
    )


def database_away(request: HttpRequest) -> HttpResponse:
    """While it is restarted, or locked for long."""
    sentence = _("The site cannot reach its database just now. Nothing is lost: try again in a minute.")
    response = _in_words(request, 503, "database_away", sentence)
    response["Retry-After"] = str(AWAY_SECONDS)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    sentence = _("Something went wrong on our side. Try again; if it happens again, tell the admin.")
    return _in_words(request, 500, "internal", sentence)


def _in_words(request: HttpRequest, status: int, code: str, sentence: str) -> HttpResponse:
    """Shown when anything may be broken: it asks neither database nor session."""
    if wants_json(request):
        return problem(status, code, sentence)
    page = render_to_string("500.html", {"status": status, "sentence": sentence})
    return HttpResponse(page, status=status)
