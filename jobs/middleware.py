"""Before anything else looks at a request."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from jobs.views import errors
from webapp.config import config

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


class RefuseNullCharacters:
    """No address of the site has one, and PostgreSQL takes none in a text."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            sentence = _("There is a null character in this address. Take it out.")
            return errors.refusal(request, 400, "bad_request", sentence)
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
        sentence = _("This address takes {allowed}, and not {method}.")
        refusal = errors.refusal(
            request, 405, "wrong_method", sentence.format(allowed=allowed, method=request.method)
        )
        refusal["Allow"] = allowed
        return refusal
