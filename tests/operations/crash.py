"""Kills its own process, as a crash in native code does."""

import os
import signal

from ml.core.operation import Group, Operation, Params
from tests.operations import PHOTO, seconds


def run(inputs, params, context):
    os.kill(os.getpid(), signal.SIGKILL)


operation = Operation(
    slug="crash",
    title="Crash",
    summary="Kills its process.",
    group=Group.LABORATORY,
    inputs=(PHOTO,),
    params=Params,
    estimate=seconds,
    run="tests.operations.crash:run",
)
