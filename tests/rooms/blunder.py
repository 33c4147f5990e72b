"""Fails in a way that nobody foresaw."""

from ml.core.operation import Operation, Params
from tests.rooms import PHOTO, seconds


def run(inputs, params, context):
    raise ZeroDivisionError("a secret of the machine")


operation = Operation(
    slug="blunder",
    title="Blunder",
    summary="Has a bug.",
    inputs=(PHOTO,),
    params=Params,
    estimate=seconds,
    run="tests.rooms.blunder:run",
)
