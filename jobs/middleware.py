"""Before anything else looks at a request, and when the database is away."""

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from jobs.views import errors
from webapp.config import config

log = logging.getLogger(__name__)

FORM_BYTES = 1_000_000
"""What the fields around a file may take."""


class RefuseLargeBodies:
    """A body that says it is larger than any upload may be is refused before a byte of it is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > config().max_upload_megabytes * 1_000_000 + FORM_BYTES:
            sentence = _(
                "This is {size} MB, and at most {limit} MB can be sent. Make it smaller and try again."
            )
            response = errors.refusal(
                request,
                413,
                "too_large",
                sentence.format(size=f"{round(int(length) / 1e6):,}", limit=config().max_upload_megabytes),
            )
            response["Connection"] = "close"  # the rest of the body is never read
            return response
        return self._get_response(request)


class SayThatTheDatabaseIsAway:
    """A restart of the database is no error of the site's: whoever asks meanwhile may ask again."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, (OperationalError, InterfaceError)):
            return None
        log.warning("the database is away: %s", error)
        return errors.database_away(request)
