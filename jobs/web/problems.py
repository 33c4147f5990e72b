"""Refusals for programs, as RFC 9457 has them."""

from django.http import HttpResponse, JsonResponse

PROBLEM_TYPE = "application/problem+json"


def problem(status: int, code: str, detail: str, retry_after: int | None = None) -> JsonResponse:
    """An error as RFC 9457 has it."""
    body = {
        "type": "about:blank",
        "title": HttpResponse(status=status).reason_phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    response = JsonResponse(body, status=status, content_type=PROBLEM_TYPE)
    if status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if retry_after:
        response["Retry-After"] = str(retry_after)
    return response
