"""Errors are application/problem+json."""

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja.errors import AuthenticationError, HttpError, ValidationError

from jobs.errors import Refused
from jobs.web.api.app import api
from jobs.web.problems import problem
from ml.core.text import excerpt


@api.exception_handler(Refused)
def refused(request: HttpRequest, error: Refused) -> HttpResponse:
    return problem(error.status, error.code, str(error), error.retry_after)


@api.exception_handler(Http404)
def not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    return problem(404, "not_found", _("There is nothing here, or it is not yours to see."))


@api.exception_handler(AuthenticationError)
def unauthenticated(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return problem(401, "unauthenticated", _("Send a token: Authorization: Bearer …"))


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return problem(422, "invalid", " ".join(_sentence(item["loc"], item["msg"]) for item in error.errors))


@api.exception_handler(HttpError)
def http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem(
        error.status_code,
        "bad_request",
        _("This request cannot be read: {why}.").format(why=error.message.rstrip(".")),
    )


def _sentence(location: Sequence[Any], message: str) -> str:
    name = excerpt(".".join(str(part) for part in location[1:] if part != "body"))
    return _("“{name}” is not right: {message}.").format(
        name=name or _("body"), message=excerpt(message, 300).rstrip(".")
    )
