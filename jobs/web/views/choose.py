"""What should happen to the photos that were just uploaded."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from jobs.access import visibility
from jobs.errors import Refused
from jobs.models import Photo
from jobs.queue.quote import quote
from jobs.queue.request import Request, Step
from jobs.web.presenters import words
from jobs.web.presenters.picture import PicturePresenter
from jobs.web.views.lookups import uuids
from ml.core.operation import Kind, Operation
from ml.registry import registry


@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    photos = [visibility.visible_photo(request, photo_id) for photo_id in uuids(request.GET.getlist("photo"))]
    if not photos:
        return redirect("home")
    kinds, ids = {Kind(photo.kind) for photo in photos}, [str(photo.id) for photo in photos]
    offered = []
    for operation in registry().all():
        slot = next((slot for slot in operation.inputs if all(map(slot.takes, kinds))), None)
        if slot or not operation.inputs:
            name = "photo" if slot in operation.inputs[:1] else f"slot-{slot.name}" if slot else ""
            query = urlencode({name: ids}, doseq=True) if slot else ""
            url = f"{reverse('new-job', args=[operation.slug])}?{query}"
            cost = _default_cost(operation, {slot.name: photos[:1]} if slot else {})
            offered.append({"operation": operation, "url": url, "cost": cost})
    return render(
        request,
        "choose.html",
        {"photos": [PicturePresenter.photo(photo) for photo in photos], "offered": offered},
    )


def choose_url(ids: Sequence[str]) -> str:
    return f"{reverse('choose')}?{urlencode({'photo': ids}, doseq=True)}"


def _default_cost(operation: Operation, inputs: dict[str, list[Photo]]) -> str:
    """What it takes with its default settings; empty where these photos alone do not do."""
    try:
        quoted = quote(Request(None, Step(operation.slug), [inputs]))
    except Refused:
        return ""
    return words.duration(max(1, quoted.expected_seconds))
