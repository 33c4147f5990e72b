"""What should happen to the photos that were just uploaded."""

from collections.abc import Sequence
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from jobs.access import identity, visibility
from jobs.errors import Refused
from jobs.library.naming import file_name
from jobs.models import Asset, Draft
from jobs.queue.quote import quote
from jobs.queue.request import Request, Step
from jobs.web.presenters import humanize
from jobs.web.presenters.picture import PicturePresenter
from jobs.web.views.lookups import chosen, uuids
from ml.core.formats import Kind
from ml.core.operation import Operation
from ml.registry import registry


@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":  # any number of photos, which an address would not hold
        together = _all_visible(request, uuids(request.POST.getlist("photo")))
        return redirect(choose_url(request, [photo.id for photo in together]))
    photos = _all_visible(request, chosen(request, request.GET))
    if not photos:
        return redirect("home")
    kinds = {Kind(photo.kind) for photo in photos}
    offered = []
    for operation in registry().all():
        slot = next((slot for slot in operation.inputs if all(map(slot.takes, kinds))), None)
        if slot or not operation.inputs:
            into: dict[str, str] = {} if slot in operation.inputs[:1] else {"into": slot.name} if slot else {}
            asked = {name: request.GET.getlist(name) for name in ("photo", "draft")} if slot else {}
            url = f"{reverse('new-job', args=[operation.slug])}?{urlencode({**asked, **into}, doseq=True)}"
            cost = _default_cost(operation, {slot.name: photos[:1]} if slot else {})
            offered.append({"operation": operation, "url": url, "cost": cost})
    return render(
        request,
        "choose.html",
        {
            "photos": [PicturePresenter.of(photo, title=file_name(photo)) for photo in photos],
            "offered": offered,
        },
    )


def choose_url(request: HttpRequest, photos: Sequence[UUID]) -> str:
    """One photo is named by the address; several that came in together stand in a row of their own."""
    if len(photos) < 2:
        return f"{reverse('choose')}?{urlencode({'photo': [str(photo) for photo in photos]}, doseq=True)}"
    owner = identity.owner_made_if_needed(request)
    draft = Draft.objects.create(owner=owner, photos=[str(photo) for photo in photos])
    return f"{reverse('choose')}?{urlencode({'draft': str(draft.id)})}"


def _all_visible(request: HttpRequest, ids: Sequence[UUID]) -> list[Asset]:
    photos = visibility.visible_assets(request, ids)
    if len(photos) < len(ids):
        raise Http404
    return photos


def _default_cost(operation: Operation, inputs: dict[str, list[Asset]]) -> str:
    """What it takes with its default settings; empty where these photos alone do not do."""
    try:
        quoted = quote(Request(None, [Step(operation.slug)], [inputs]))
    except Refused:
        return ""
    return humanize.duration(max(1, quoted.expected_seconds))
