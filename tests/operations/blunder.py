"""Fails in a way that nobody foresaw."""

from ml.core.operation import Group, Operation, Params
from tests.operations import PHOTO, seconds


def run(inputs, params, context):
    raise ZeroDivisionError("a secret of the machine")


operation = Operation(
    slug="blunder",
    title="Blunder",
    summary="Has a bug.",
    group=Group.LABORATORY,
    inputs=(PHOTO,),
    params=Params,
    estimate=seconds,
    run="tests.operations.blunder:run",
)
