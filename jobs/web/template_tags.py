"""What the templates of the site need beyond Django's own."""

import json
from functools import cache
from typing import Any
from urllib.parse import quote

from django import template
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.urls import reverse

from jobs.access import signing
from jobs.messages import told
from jobs.models import Job
from jobs.web import forms
from jobs.web.presenters import humanize
from jobs.web.presenters.picture import PicturePresenter

register = template.Library()
register.filter("duration", humanize.duration)
register.filter("ran", humanize.ran)
register.filter("as_text", forms.as_text)
register.filter("terms", humanize.terms)


@register.filter
def says(said: Any) -> str:
    """A message, or a text of a declaration, in the reader's language."""
    return told(said)


@register.filter
def pretty_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


@register.filter
def percent(fraction: float) -> str:
    """0.634 as 63.4%: a width in SVG."""
    return f"{100 * max(0.0, min(1.0, fraction)):.1f}%"


@register.inclusion_tag("parts/picture.html")
def picture(
    presenter: PicturePresenter, sizes: str = "100vw", *, eager: bool = False, alt: str | None = None
) -> dict[str, Any]:
    """A picture that holds its place with its colour until it has arrived."""
    return {
        "picture": presenter,
        "sizes": sizes,
        "eager": eager,
        "alt": presenter.alt if alt is None else alt,
    }


@register.simple_tag
def preview_address(job: Job, version: str) -> str:
    """Where a running job shows how its picture looks so far."""
    return signing.address(reverse("job-preview", args=[job.uuid]), f"v={quote(version)}")


@register.simple_tag
def example_picture(slug: str, side: str) -> str:
    """The address of an operation's example, "before" or "after"; empty where none was made."""
    path = f"examples/{slug}-{side}.webp"
    return static(path) if _exists(path) else ""


@register.simple_tag
def choice_picture(slug: str, param: str, value: str) -> str:
    """The address of the picture that shows what a value does; empty where none was made."""
    path = f"choices/{slug}/{param}/{value}.webp"
    return static(path) if _exists(path) else ""


@cache
def _exists(path: str) -> bool:
    return finders.find(path) is not None
