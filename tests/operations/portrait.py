"""Takes one photo, as most operations do."""

from ml.core.operation import Group, Operation, PictureParams, Slot
from tests.operations import seconds, tiny_result


def run(inputs, params, context):
    return tiny_result()


operation = Operation(
    slug="portrait",
    title="Portrait",
    summary="Of one photo.",
    group=Group.LABORATORY,
    inputs=(Slot(name="image", title="Photo"), Slot(name="style", title="Style", minimum=0)),
    params=PictureParams,
    estimate=seconds,
    run="tests.operations.portrait:run",
)
