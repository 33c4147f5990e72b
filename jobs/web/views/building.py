"""A request that is put together over several pages: photos, and one step after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest, QueryDict

from jobs.access import visibility
from jobs.models import Asset, Draft, Owner
from jobs.queue import presets
from jobs.queue.request import Request, Step, for_photos
from jobs.queue.steps import checked
from jobs.web.views.lookups import uuids
from ml.core.errors import OperationError
from ml.core.formats import Kind
from ml.registry import registry


@dataclass
class Building:
    """What stands in a draft so far: photos, and the steps that were chosen for them."""

    draft: Draft
    photos: list[Asset]
    steps: list[Step]

    @property
    def gives(self) -> Kind | None:
        """The kind of what the last step makes; None before there is one."""
        return registry().get(self.steps[-1].operation).gives if self.steps else None

    def request(self, owner: Owner | None, *more: Step) -> Request:
        """Raises `Refused` where the first step takes none of the photos."""
        return for_photos(owner, self.photos, [*self.steps, *more], {})


def of_query(request: HttpRequest, query: QueryDict) -> Building | None:
    """What stands in the draft that an address or a form names; None where it names none."""
    named = uuids(query.getlist("draft"))
    return of_draft(request, visibility.own_draft(request, named[0])) if named else None


def of_draft(request: HttpRequest, draft: Draft) -> Building:
    """Steps that cannot be done any more are left out."""
    photos = visibility.visible_assets(request, uuids(draft.photos))
    return Building(draft, photos, [step for kept in draft.steps if (step := _step(request, kept))])


def begin(owner: Owner, photos: Sequence[Asset], steps: Sequence[Step] = ()) -> Draft:
    return Draft.objects.create(
        owner=owner, photos=[str(photo.pk) for photo in photos], steps=[_kept(step) for step in steps]
    )


def take(draft: Draft, photos: Sequence[UUID]) -> None:
    """More photos, for the steps that were chosen."""
    draft.photos = list(dict.fromkeys([*draft.photos, *map(str, photos)]))
    draft.save(update_fields=["photos"])


def add(draft: Draft, step: Step) -> None:
    """One more step, which was quoted behind the others."""
    draft.steps = [*draft.steps, _kept(step)]
    draft.save(update_fields=["steps"])


def drop(draft: Draft, number: int) -> None:
    """Leave a step out; what follows it stays."""
    draft.steps = [step for index, step in enumerate(draft.steps) if index != number]
    draft.save(update_fields=["steps"])


def _kept(step: Step) -> dict[str, Any]:
    (quoted,) = checked([step])
    return quoted.kept


def _step(request: HttpRequest, kept: dict[str, Any]) -> Step | None:
    try:
        step, _left_out = presets.carried_over(kept)
    except OperationError:
        return None
    inputs = {slot: visibility.visible_assets(request, uuids(ids)) for slot, ids in kept["inputs"].items()}
    return Step(
        step.operation, step.params, step.seed, {slot: found for slot, found in inputs.items() if found}
    )
