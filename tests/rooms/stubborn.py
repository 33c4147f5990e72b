"""Does not listen, and must be over in a second."""

from ml.core.operation import Estimate, Operation
from tests.rooms import PHOTO
from tests.rooms.nap import NapParams

operation = Operation(
    slug="stubborn",
    title="Stubborn",
    summary="Does not listen to the clock.",
    inputs=(PHOTO,),
    params=NapParams,
    estimate=lambda params, facts: Estimate(seconds=0.01, width=8, height=8),
    run="tests.rooms.deaf:run",
    deadline_seconds=1,
)
