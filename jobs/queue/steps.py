"""The steps of a request, checked, and how one follows another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from jobs.errors import Refused
from jobs.messages import NO_STEPS, TOO_MANY_STEPS
from jobs.queue import broker
from jobs.queue.request import Inputs, Step
from ml.core.chain import lossless
from ml.core.operation import Operation, Params
from ml.registry import registry


@dataclass(frozen=True)
class QuotedStep:
    """A step whose params are checked."""

    operation: Operation
    params: Params
    asked: Step

    @property
    def queue(self) -> str:
        return broker.queue_of(self.operation)

    @property
    def method(self) -> str:
        return method_of(self.params)

    @property
    def recipe(self) -> dict[str, Any]:
        """By which it can be asked for again, for other photos."""
        return {
            "operation": self.operation.slug,
            "version": self.operation.version,
            "params": self.params.model_dump(mode="json"),
            "seed": self.asked.seed,
        }

    @property
    def kept(self) -> dict[str, Any]:
        """The same with the ids of what its jobs have in common: for the same owner."""
        shared = {slot: [str(asset.pk) for asset in assets] for slot, assets in self.asked.inputs.items()}
        return self.recipe | {"inputs": shared}

    def inputs_beside(self, *slots: str) -> Inputs:
        """What all its jobs have in common beside what is in these slots."""
        return {name: assets for name, assets in self.asked.inputs.items() if name not in slots}


def checked(steps: Sequence[Step]) -> tuple[QuotedStep, ...]:
    """Raises `OperationError` where one of them is unknown or its params are wrong, `Refused` for none or too many."""
    if not steps:
        raise Refused(NO_STEPS)
    most = settings.LATENT.max_steps
    if len(steps) > most:
        raise Refused(TOO_MANY_STEPS(count=len(steps), limit=most))
    last = len(steps) - 1
    return tuple(_checked(step, between=position < last) for position, step in enumerate(steps))


def method_of(params: Params) -> str:
    """Empty for an operation that has but one."""
    return str(getattr(params, "method", ""))


def _checked(step: Step, *, between: bool) -> QuotedStep:
    operation = registry().get(step.operation)
    params = operation.parse(step.params)
    return QuotedStep(operation, lossless(operation, params) if between else params, step)
