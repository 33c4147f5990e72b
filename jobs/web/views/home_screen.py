"""Latent on a phone's home screen: what it is there, what it keeps for when there is no network, and photos shared to it."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from jobs.errors import Refused
from jobs.messages import SHARED_FROM_ELSEWHERE
from jobs.web.views import errors, uploads

BY_THE_BROWSER = ("none", "same-origin")
"""`Sec-Fetch-Site` of what a person does with the browser itself, and of our own pages; no other site can say it."""


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    icons = [
        ("192.png", "192x192", "any"),
        ("512.png", "512x512", "any"),
        ("maskable-512.png", "512x512", "maskable"),
    ]
    described = {
        "name": "Latent",
        "short_name": "Latent",
        "description": _("A photo lab that anybody can run."),
        "id": "/",
        "start_url": reverse("library"),
        "scope": "/",
        "display": "standalone",
        "background_color": "#faf9f6",
        "theme_color": "#faf9f6",
        "icons": [
            {"src": static(f"icons/{file}"), "sizes": sizes, "type": "image/png", "purpose": purpose}
            for file, sizes, purpose in icons
        ],
        "share_target": {
            "action": reverse("share-target"),
            "method": "POST",
            "enctype": "multipart/form-data",
            "params": {"files": [{"name": "file", "accept": ["image/*", "video/*"]}]},
        },
    }
    return JsonResponse(described, content_type="application/manifest+json")


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """It lies at the root, since it answers only for what is below it."""
    response = render(request, "service_worker.js", content_type="text/javascript")
    response["Cache-Control"] = "no-cache"
    return response


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """Kept by the service worker, for when there is no network; it says nothing of anybody."""
    return render(request, "offline.html")


@csrf_exempt
@require_POST
def share_target(request: HttpRequest) -> HttpResponse:
    """Photos that a phone's own share sheet hands over. No page of ours sends them, so they bring no CSRF token."""
    if request.headers.get("Sec-Fetch-Site") not in BY_THE_BROWSER:
        return errors.refused(request, Refused(SHARED_FROM_ELSEWHERE, status=403))
    return uploads.take_in(request)
