"""Recipes under a name: those that come with Latent, the site's, and an owner's own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Q

from jobs.errors import Refused
from jobs.messages import BAD_RECIPE, TOO_MANY_PRESETS, UNKNOWN_PRESET
from jobs.models import Owner, Preset
from jobs.queue.request import Step
from jobs.queue.steps import checked
from ml.core.chain import is_step
from ml.core.errors import OperationError, ParamsError
from ml.core.operation import Operation
from ml.presets import PRESETS
from ml.registry import registry


@dataclass(frozen=True)
class Recipe:
    """A preset as this version of Latent does it. `left_out` are settings that its operations no longer have, each with its operation.

    Name and summary of one that comes with Latent are texts of a declaration, to be translated.
    """

    id: str
    name: str
    summary: str
    steps: tuple[Step, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    mine: bool = False
    shipped: bool = False


def all_for(owner: Owner | None) -> list[Recipe]:
    """An owner's own first, then the site's, then those that come with it; none that cannot be done any more."""
    kept = (
        Preset.objects.filter(Q(owner=owner) | Q(owner=None)) if owner else Preset.objects.filter(owner=None)
    )
    rows = sorted(kept, key=lambda preset: (preset.owner_id is None, preset.name.casefold()))
    return [*_possible(rows), *_shipped()]


def get(owner: Owner | None, preset_id: str) -> Recipe:
    """Raises `Refused` where there is none that this owner may use."""
    found = next((recipe for recipe in all_for(owner) if recipe.id == preset_id), None)
    if found is None:
        raise Refused(UNKNOWN_PRESET, code="unknown_preset", status=404)
    return found


def save(owner: Owner, name: str, steps: Sequence[Step], summary: str = "") -> Preset:
    """Keep steps under a name; raises `Refused` where they cannot be done, or the owner has too many already."""
    if owner.presets.count() >= settings.LATENT.max_presets:
        raise Refused(TOO_MANY_PRESETS(limit=settings.LATENT.max_presets), status=409)
    return Preset.objects.create(owner=owner, name=name, summary=summary, steps=as_kept(steps))


def as_kept(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Steps, checked, as JSON; raises `Refused`."""
    try:
        return [step.recipe for step in checked(steps)]
    except OperationError as error:
        raise Refused(error.message, code=error.code) from None


def steps_in(recipe: Mapping[str, Any]) -> list[Step]:
    """The steps in what a file says: a recipe of one step, or of several; raises `Refused` where it is none."""
    kept = recipe.get("steps", [recipe])
    if not isinstance(kept, list) or not kept or not all(map(is_step, kept)):
        raise Refused(BAD_RECIPE, code="bad_recipe")
    return [carried_over(each)[0] for each in kept]


def carried_over(kept: Mapping[str, Any]) -> tuple[Step, list[tuple[str, str]]]:
    """A step as it was kept, with what its operation still understands of it; and the rest, each with the title of the operation.

    Raises `UnknownOperation` where there is no such operation any more.
    """
    operation = registry().get(kept["operation"])
    params, left_out = dict(kept["params"]), []
    try:
        operation.parse(params)
    except ParamsError:
        left_out = [name for name, value in params.items() if not _understood(operation, name, value)]
        params = {name: value for name, value in params.items() if name not in left_out}
    return Step(operation.slug, params, kept.get("seed")), [(operation.title, name) for name in left_out]


def _possible(rows: Sequence[Preset]) -> Iterator[Recipe]:
    for row in rows:
        try:
            steps, left_out = zip(*map(carried_over, row.steps), strict=True)
        except OperationError:
            continue
        named = tuple(name for names in left_out for name in names)
        yield Recipe(str(row.pk), row.name, row.summary, steps, named, mine=row.owner_id is not None)


def _shipped() -> Iterator[Recipe]:
    known = {operation.slug for operation in registry().all()}
    for preset in PRESETS:
        if all(step.operation in known for step in preset.steps):
            steps = tuple(Step(step.operation, step.params) for step in preset.steps)
            yield Recipe(preset.slug, preset.title, preset.summary, steps, shipped=True)


def _understood(operation: Operation, name: str, value: Any) -> bool:
    try:
        operation.parse({name: value})
    except ParamsError:
        return False
    return True
