"""A nap that must be over in a second."""

from ml.core.operation import Estimate, Operation
from tests.rooms import PHOTO
from tests.rooms.nap import NapParams

operation = Operation(
    slug="brief",
    title="Brief",
    summary="Sleeps, but not for long.",
    inputs=(PHOTO,),
    params=NapParams,
    estimate=lambda params, facts: Estimate(seconds=0.01, width=8, height=8),
    run="tests.rooms.nap:run",
    deadline_seconds=1,
)
