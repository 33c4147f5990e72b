"""Sleeps in small steps, says how far it is, and can be woken."""

import time

from pydantic import Field

from ml.core.operation import Group, Operation, Params
from ml.core.text import Message
from tests.operations import PHOTO, seconds, tiny_picture, tiny_result

SLEEPING = Message("nap.sleeping", "sleeping")


class NapParams(Params):
    seconds: float = Field(1.0, ge=0, le=3600, title="Seconds", description="How long.")


def run(inputs, params, context):
    begun = time.monotonic()
    while (slept := time.monotonic() - begun) < params.seconds:
        context.check_cancelled()
        context.progress(slept / params.seconds, SLEEPING)
        context.preview(tiny_picture(int(255 * slept / params.seconds)))
        context.series("depth", slept, slept**2)
        time.sleep(0.02)
    return tiny_result()


operation = Operation(
    slug="nap",
    title="Nap",
    summary="Sleeps.",
    group=Group.LABORATORY,
    inputs=(PHOTO,),
    params=NapParams,
    estimate=seconds,
    run="tests.operations.nap:run",
)
