"""The first page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from jobs.library.samples import SAMPLES
from jobs.web.views.lookups import upload_context
from ml.registry import registry


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    context = {"samples": SAMPLES, "operations": registry().all(), **upload_context(request)}
    return render(request, "home.html", context)
