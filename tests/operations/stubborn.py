"""Does not listen, and must be over in a second."""

from ml.core.operation import Estimate, Group, Operation
from tests.operations import PHOTO
from tests.operations.nap import NapParams

operation = Operation(
    slug="stubborn",
    title="Stubborn",
    summary="Does not listen to the clock.",
    group=Group.LABORATORY,
    inputs=(PHOTO,),
    params=NapParams,
    estimate=lambda params, facts: Estimate(seconds=0.01, width=8, height=8),
    run="tests.operations.deaf:run",
    deadline_seconds=1,
)
