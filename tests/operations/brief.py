"""A nap that must be over in a second."""

from ml.core.operation import Estimate, Group, Operation
from tests.operations import PHOTO
from tests.operations.nap import NapParams

operation = Operation(
    slug="brief",
    title="Brief",
    summary="Sleeps, but not for long.",
    group=Group.LABORATORY,
    inputs=(PHOTO,),
    params=NapParams,
    estimate=lambda params, facts: Estimate(seconds=0.01, width=8, height=8),
    run="tests.operations.nap:run",
    deadline_seconds=1,
)
