"""Says in words why it cannot be done."""

from ml.core.errors import InputError
from ml.core.operation import Group, Operation, Params
from ml.core.text import Message
from tests.operations import PHOTO, seconds

TOO_BLUE = Message("picky.too_blue", "This photo is too blue. Take another one.")


def run(inputs, params, context):
    raise InputError(TOO_BLUE)


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
