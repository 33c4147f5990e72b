"""What somebody asks for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from jobs.errors import Refused
from jobs.messages import DOES_NOT_TAKE, NO_PHOTOS, UNKNOWN_SLOT_OF_STEPS
from jobs.models import Asset, Owner
from ml.core.errors import OperationError
from ml.core.formats import Kind
from ml.core.operation import Operation, Params, Slot
from ml.core.text import Title, excerpt
from ml.registry import registry

Inputs = Mapping[str, Sequence[Asset]]
"""The assets in each slot."""


@dataclass(frozen=True)
class Step:
    """One operation with its settings. Without a `seed`, one is drawn where it draws at random, and all photos share it.

    `inputs` are what its jobs have in common beside the photo: the picture whose style is painted in.
    """

    operation: str
    params: Mapping[str, Any] | Params = field(default_factory=dict)
    seed: int | None = None
    inputs: Inputs = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """Steps, one after the other, for each of several inputs: all their jobs are made together, or none.

    `inputs` are those of the first step; each later step gets the result of the one before it. `owner` is None for
    the site itself, `sample` makes what it shows to everybody. A program that is not sure whether its request arrived
    repeats it with the same `idempotency_key`. Where there are several jobs, or there is a `name`, they are a batch.
    """

    owner: Owner | None
    steps: Sequence[Step]
    inputs: Sequence[Inputs] = ({},)
    idempotency_key: str = ""
    sample: bool = False
    name: str | None = None

    @property
    def assets(self) -> set[Asset]:
        return {asset for inputs in self._all_inputs() for assets in inputs.values() for asset in assets}

    def _all_inputs(self) -> Iterator[Inputs]:
        yield from self.inputs
        for step in self.steps:
            yield step.inputs


def for_photos(
    owner: Owner | None,
    photos: Sequence[Asset],
    steps: Sequence[Step],
    shared: Inputs,
    *,
    name: str | None = None,
    idempotency_key: str = "",
) -> Request:
    """The steps for each of the photos, or for all together where the first takes many; `shared` fills their other slots.

    Raises `Refused` where a photo fits into none of the slots of the first step, or a shared one into none at all.
    """
    known = [_slots(step) for step in steps]
    if unknown := next((slot for slot in shared if not any(slot in slots for slots in known)), None):
        raise Refused(UNKNOWN_SLOT_OF_STEPS(name=excerpt(unknown)))
    filled = [
        replace(
            step, inputs={**step.inputs, **{slot: assets for slot, assets in shared.items() if slot in slots}}
        )
        for step, slots in zip(steps, known, strict=True)
    ]
    inputs = _inputs_of(steps[0], photos) if steps else []
    return Request(owner, filled, inputs, idempotency_key, name=name)


def _slots(step: Step) -> set[str]:
    return {slot.name for slot in _operation(step).inputs}


def _inputs_of(step: Step, photos: Sequence[Asset]) -> list[Inputs]:
    """What goes into each job of the first step."""
    operation = _operation(step)
    if not photos:
        if any(slot.required for slot in operation.inputs):
            raise Refused(NO_PHOTOS)
        return [{}]
    slots = [_slot_for(operation, photo) for photo in photos]
    if slots[0].many and len({slot.name for slot in slots}) == 1:
        return [{slots[0].name: photos}]
    return [{slot.name: [photo]} for slot, photo in zip(slots, photos, strict=True)]


def _slot_for(operation: Operation, photo: Asset) -> Slot:
    slot = operation.slot_for(Kind(photo.kind))
    if slot is None:
        raise Refused(DOES_NOT_TAKE(step=Title(operation.title), file=photo.name or str(photo.pk)))
    return slot


def _operation(step: Step) -> Operation:
    try:
        return registry().get(step.operation)
    except OperationError as error:
        raise Refused(error.message, code=error.code) from None
