"""Refusals for programs, as RFC 9457 has them."""

from django.http import HttpResponse, JsonResponse

from jobs.errors import Refused

PROBLEM_TYPE = "application/problem+json"


def problem(refused: Refused) -> JsonResponse:
    """An error as RFC 9457 has it."""
    body = {
        "type": "about:blank",
        "title": HttpResponse(status=refused.status).reason_phrase,
        "status": refused.status,
        "detail": str(refused),
        "code": refused.code,
        "reason": refused.message.code,
        "values": refused.message.plain_values(),
    }
    response = JsonResponse(body, status=refused.status, content_type=PROBLEM_TYPE)
    if refused.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if refused.retry_after:
        response["Retry-After"] = str(refused.retry_after)
    return response
