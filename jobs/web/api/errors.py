"""Errors are application/problem+json."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja.errors import AuthenticationError, HttpError, ValidationError

from jobs.errors import Refused
from jobs.messages import BODY, INVALID, NOT_FOUND, UNAUTHENTICATED, UNREADABLE_REQUEST
from jobs.web.api.app import api
from jobs.web.problems import problem
from ml.core.text import Message, excerpt
from ml.core.validation import reason, together


@api.exception_handler(Refused)
def refused(request: HttpRequest, error: Refused) -> HttpResponse:
    return problem(error)


@api.exception_handler(Http404)
def not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    return problem(Refused(NOT_FOUND, status=404))


@api.exception_handler(AuthenticationError)
def unauthenticated(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return problem(Refused(UNAUTHENTICATED, status=401))


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return problem(Refused(together(_wrong(item) for item in error.errors), code="invalid"))


@api.exception_handler(HttpError)
def http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    message = UNREADABLE_REQUEST(why=error.message.rstrip("."))
    return problem(Refused(message, code="bad_request", status=error.status_code))


def _wrong(error: Any) -> Message:
    name = excerpt(".".join(str(part) for part in error["loc"][1:] if part != "body"))
    return INVALID(name=name or BODY, reason=reason(error))
