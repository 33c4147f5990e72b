"""Several operations, one after the other: each goes on with the result of the one before it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.core.context import Context, Inputs, Result
from ml.core.errors import InputError
from ml.core.execution import execute, recipe
from ml.core.files import facts
from ml.core.formats import FORMATS, FileFormat, Kind
from ml.core.images import write_picture
from ml.core.messages import DOES_NOT_FOLLOW
from ml.core.operation import Operation, Params
from ml.core.recipe import is_seed
from ml.core.text import Title
from ml.registry import registry

BETWEEN_STEPS: FileFormat = "png"
"""The format between two steps: it loses nothing."""


@dataclass(frozen=True)
class ChainStep:
    """An operation with its checked params; the seed is drawn by whoever runs it where it is None."""

    operation: Operation
    params: Params
    seed: int | None = None


def is_step(kept: object) -> bool:
    """Whether a value that comes from a stranger says an operation, its params and perhaps a seed."""
    return (
        isinstance(kept, dict)
        and isinstance(kept.get("operation"), str)
        and isinstance(kept.get("params"), dict)
        and (kept.get("seed") is None or is_seed(kept["seed"]))
    )


def steps_in(kept: Sequence[Mapping[str, Any]]) -> list[ChainStep]:
    """The steps of a recipe; raises `UnknownOperation` and `ParamsError`."""
    operations = [registry().get(step["operation"]) for step in kept]
    return [
        ChainStep(operation, operation.parse(step["params"]), step.get("seed"))
        for operation, step in zip(operations, kept, strict=True)
    ]


def lossless(operation: Operation, params: Params) -> Params:
    """The same for a step that is not the last: what it makes is written without loss."""
    if "format" in operation.params.model_fields:
        return params.model_copy(update={"format": BETWEEN_STEPS})
    return params


def slot_after(before: Operation, operation: Operation, kind: Kind) -> str:
    """The slot for the result of the operation before it; raises `InputError` where there is none for such a file."""
    if slot := operation.slot_for(kind):
        return slot.name
    raise InputError(DOES_NOT_FOLLOW, step=Title(before.title), following=Title(operation.title))


@dataclass(frozen=True)
class Done:
    """What the last step made, its params, and the recipe of all of them."""

    result: Result
    params: Params
    recipe: dict[str, Any]


def run(
    steps: Sequence[ChainStep], photo: Path, folder: Path, context_of: Callable[[ChainStep], Context]
) -> Done:
    """All steps on a file; what lies between them is written into the folder.

    Raises `OperationError` with a sentence, or `Stopped`.
    """
    recipes: list[dict[str, Any]] = []
    path, before = photo, None
    for number, step in enumerate(steps):
        last = number == len(steps) - 1
        params = step.params if last else lossless(step.operation, step.params)
        inputs = _inputs(step.operation, path, before)
        context = context_of(step)
        result = execute(step.operation, params, inputs, context)
        recipes.append(recipe(step.operation, params, inputs, result, context))
        if not last:
            path, before = _between(result, step.operation, folder / str(number)), step.operation
    return Done(result, params, recipes[0] if len(recipes) == 1 else {"steps": recipes})


def _inputs(operation: Operation, path: Path, before: Operation | None) -> Inputs:
    if before is None and not operation.inputs:
        return Inputs({})
    kind = facts(path).kind
    name = slot_after(before, operation, kind) if before else getattr(operation.slot_for(kind), "name", "")
    return Inputs({name or operation.inputs[0].name: [path]})


def _between(result: Result, operation: Operation, target: Path) -> Path:
    """What the next step goes on with: the output that was asked for, or where there is none of that name, the first."""
    if operation.result in result.files or not result.images:
        return result.files.get(operation.result, next(iter(result.files.values()))).path
    path = target.with_suffix(FORMATS[BETWEEN_STEPS].suffix)
    write_picture(
        result.images.get(operation.result, next(iter(result.images.values()))), path, BETWEEN_STEPS
    )
    return path
