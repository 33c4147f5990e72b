"""Does nothing, at once."""

from ml.core.operation import Group, Operation, PictureParams
from tests.operations import PHOTO, seconds, tiny_result


def run(inputs, params, context):
    return tiny_result()


operation = Operation(
    slug="instant",
    title="Instant",
    summary="Does nothing.",
    group=Group.LABORATORY,
    inputs=(PHOTO,),
    params=PictureParams,
    estimate=seconds,
    run="tests.operations.instant:run",
    random=True,
)
