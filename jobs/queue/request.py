"""What somebody asks for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.models import Asset, Owner
from ml.core.operation import Params

Inputs = Mapping[str, Sequence[Asset]]
"""The assets in each slot."""


@dataclass(frozen=True)
class Step:
    """One operation with its settings. Without a `seed`, each job that draws at random gets one of its own.

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
