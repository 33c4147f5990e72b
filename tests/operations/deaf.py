"""Never asks whether it should stop."""

import time

from ml.core.operation import Group, Operation
from tests.operations import PHOTO, seconds, tiny_result
from tests.operations.nap import NapParams


def run(inputs, params, context):
    time.sleep(params.seconds)
    return tiny_result()


operation = Operation(
    slug="deaf",
    title="Deaf",
    summary="Does not listen.",
    group=Group.LABORATORY,
    inputs=(PHOTO,),
    params=NapParams,
    estimate=seconds,
    run="tests.operations.deaf:run",
)
