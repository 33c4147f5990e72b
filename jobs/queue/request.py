"""What somebody asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.models import Asset, Owner
from ml.core.operation import Params

Inputs = Mapping[str, Sequence[Asset]]
"""The assets in each slot."""


@dataclass(frozen=True)
class Step:
    """One operation with its settings. Without a `seed`, each job that draws at random gets one of its own."""

    operation: str
    params: Mapping[str, Any] | Params = field(default_factory=dict)
    seed: int | None = None


@dataclass(frozen=True)
class Request:
    """A step for each of several inputs: a job for each, made together or not at all.

    `owner` is None for the site itself, `sample` makes what it shows to everybody. A program that is not sure
    whether its request arrived repeats it with the same `idempotency_key`; such a request is for one job.
    """

    owner: Owner | None
    step: Step
    inputs: Sequence[Inputs] = ({},)
    idempotency_key: str = ""
    sample: bool = False

    @property
    def assets(self) -> set[Asset]:
        return {asset for inputs in self.inputs for assets in inputs.values() for asset in assets}
