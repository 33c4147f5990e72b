"""Before anything else looks at a request, and when the database is away."""

import logging
import re
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseNotFound
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from jobs import logs
from jobs.access import identity, signing
from jobs.errors import Refused
from jobs.messages import BODY_TOO_LARGE, NULL_CHARACTER, WRONG_METHOD
from jobs.web.views import errors
from ml.core.text import capped

access_log = logging.getLogger(logs.ACCESS)

REQUEST_ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)
FORM_BYTES = 1_000_000
"""What the fields around a file may take."""


def most_body_bytes() -> int:
    """Of a request; the web server takes no byte of a body that says it is larger."""
    return int(settings.LATENT.max_upload_megabytes * 1_000_000 + FORM_BYTES)


class NameRequests:
    """Gives every request an id, its front's where it has one, by which the log and the answer speak of it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "")
        name = given if REQUEST_ID.fullmatch(given) else uuid4().hex
        begun = time.perf_counter()
        with logs.about(request=name):
            response = self._get_response(request)
            access_log.info(
                "%s %s", request.method, response.status_code, extra=_seen(request, response, begun)
            )
        response["X-Request-ID"] = name
        return response


def _seen(request: HttpRequest, response: HttpResponseBase, begun: float) -> dict[str, Any]:
    """What the log tells of a request. Not its address: that of a share holds the token."""
    match = request.resolver_match
    seen: dict[str, Any] = {
        "method": request.method,
        "route": match.route if match else None,
        "status": response.status_code,
        "milliseconds": round(1000 * (time.perf_counter() - begun), 1),
    }
    if match and "job_uuid" in match.kwargs:
        seen["job"] = str(match.kwargs["job_uuid"])
    return seen


class RefuseLargeBodies:
    """A body that says it is larger than any upload may be is refused before a byte of it is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        length = capped(request.META.get("CONTENT_LENGTH") or "0") or 0
        if length > most_body_bytes():
            size, limit = round(length / 1e6), settings.LATENT.max_upload_megabytes
            message = BODY_TOO_LARGE(size=size, limit=limit)
            return errors.refused(request, Refused(message, code="too_large", status=413))
        return self._get_response(request)


class SayWhatIsRefused:
    """What a page refuses, wherever in it, is said in words; the API says it in its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return errors.refused(request, error) if isinstance(error, Refused) else None


class ForgetWhoWasRefused:
    """What is refused leaves nothing behind, neither a visitor nor a session."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        if 400 <= response.status_code < 500 or response.status_code == 507:
            identity.forget_newcomer(request)
        return response


class SayThatTheDatabaseIsAway:
    """A restart of the database is no error of the site's: whoever asks meanwhile may ask again."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, (OperationalError, InterfaceError)):
            return None
        return errors.database_away(request, error)


class RefuseNullCharacters:
    """No address of the site has one, and PostgreSQL takes none in a text."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return errors.refused(request, Refused(NULL_CHARACTER, code="bad_request", status=400))
        return self._get_response(request)


class SayWhichMethod:
    """A method that an address does not take is refused as everything else is: in words."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        allowed = response["Allow"]
        message = WRONG_METHOD(allowed=allowed, method=request.method)
        refusal = errors.refused(request, Refused(message, status=405))
        refusal["Allow"] = allowed
        return refusal


class MediaHost:
    """The host of the pictures knows nobody, and answers only to addresses that were signed for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not signing.on_media_host(request):
            return self._get_response(request)
        for header in ("HTTP_COOKIE", "HTTP_AUTHORIZATION"):
            request.META.pop(header, None)
        return self._get_response(request) if signing.is_signed(request) else _no_picture()

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Django's hook: what is not there is said without a page of the site."""
        gone = isinstance(exception, Http404) and signing.on_media_host(request)
        return _no_picture() if gone else None


def _no_picture() -> HttpResponse:
    sentence = _("There is no picture at this address any more. Load the page that showed it again.")
    return HttpResponseNotFound(sentence, content_type="text/plain; charset=utf-8")
