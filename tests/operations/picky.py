"""Says in words why it cannot be done."""

from ml.core.errors import InputError
from ml.core.operation import Group, Operation, Params
from tests.operations import PHOTO, seconds


def run(inputs, params, context):
    raise InputError("This photo is too blue. Take another one.")


operation = Operation(
    slug="picky",
    title="Picky",
    summary="Likes no photo.",
    group=Group.LABORATORY,
    inputs=(PHOTO,),
    params=Params,
    estimate=seconds,
    run="tests.operations.picky:run",
)
