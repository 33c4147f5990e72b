"""Measures what no JSON can hold."""

import math

from ml.core.operation import Group, Operation, Params
from tests.operations import PHOTO, seconds, tiny_result


def run(inputs, params, context):
    context.series("loss", 0, math.nan)
    context.series("loss", 1, 0.5)
    result = tiny_result()
    result.metrics = {"psnr": math.inf, "ssim": 1.0}
    result.series = {"curve": [(0.0, math.nan), (1.0, 2.0)]}
    return result


operation = Operation(
    slug="endless-numbers",
    title="Endless numbers",
    summary="Measures infinity.",
    group=Group.LABORATORY,
    inputs=(PHOTO,),
    params=Params,
    estimate=seconds,
    run="tests.operations.endless_numbers:run",
)
