"""Running an operation, and the recipe by which anybody can run it again."""

from typing import Any

from ml.core.context import Context, Inputs, Result
from ml.core.files import facts
from ml.core.operation import Estimate, Facts, Operation, Params
from ml.core.weights import sha256


def execute(operation: Operation, params: Params, inputs: Inputs, context: Context) -> Result:
    """Check the inputs and run; raises `OperationError` with a sentence, or `Stopped`."""
    known = _facts(operation, inputs)
    operation.cost(params, known)  # which refuses what cannot be done
    if (count := operation.frames_of(known)) > 1:
        from ml.core import frame_by_frame  # loads FFmpeg, which still pictures do not need

        return frame_by_frame.run(operation, params, inputs, count, context)
    result: Result = operation.function()(inputs, params, context)
    return result


def estimate(operation: Operation, params: Params, inputs: Inputs) -> Estimate:
    """What a run would take; raises `InputError` or `ParamsError` where it cannot be done."""
    return operation.cost(params, _facts(operation, inputs))


def _facts(operation: Operation, inputs: Inputs) -> dict[str, list[Facts]]:
    known = {slot: [facts(path) for path in paths] for slot, paths in inputs.items()}
    operation.check_inputs(known)
    return known


def recipe(
    operation: Operation, params: Params, inputs: Inputs, result: Result, context: Context
) -> dict[str, Any]:
    """All that the result depends on, ready for JSON; the inputs are named by the SHA-256 of their files."""
    checksums = {weights.name: weights.sha256 for weights in operation.weights}
    return {
        "operation": operation.slug,
        "version": operation.version,
        "params": params.model_dump(mode="json"),
        "seed": context.seed,
        "inputs": {slot: [sha256(path) for path in paths] for slot, paths in inputs.items()},
        "weights": {name: checksums[name] for name in result.weights},
        "engine": result.engine,
        "device": context.device,
    }
