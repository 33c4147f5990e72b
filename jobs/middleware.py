"""Before anything else looks at a request."""

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotFound
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from jobs import access
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


class MediaHost:
    """The host of the pictures knows nobody, and answers only to addresses that were signed for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not access.on_media_host(request):
            return self._get_response(request)
        for header in ("HTTP_COOKIE", "HTTP_AUTHORIZATION"):
            request.META.pop(header, None)
        return self._get_response(request) if access.is_signed(request) else _no_picture()

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Django's hook: what is not there is said without a page of the site."""
        gone = isinstance(exception, Http404) and access.on_media_host(request)
        return _no_picture() if gone else None


def _no_picture() -> HttpResponse:
    sentence = _("There is no picture at this address any more. Load the page that showed it again.")
    return HttpResponseNotFound(sentence, content_type="text/plain; charset=utf-8")
