"""What a job will take, corrected by what such jobs took before."""

import statistics

from jobs.models import Job

HISTORY = 100
ENOUGH = 3
ALIKE = 4.0  # a small photo's overhead says nothing of a large one


def expected_seconds(operation: str, method: str, declared: float) -> float:
    """The declared cost, times the median of what recent runs of the same kind and about the same size took."""
    recent = (
        Job.objects.filter(status=Job.Status.SUCCEEDED, operation=operation, method=method)
        .order_by("-id")
        .values_list("run_seconds", "declared_seconds")[:HISTORY]
    )
    ratios = [
        took / said
        for took, said in recent
        if took is not None and 0 < said < declared * ALIKE and declared < said * ALIKE
    ]
    return declared * statistics.median(ratios) if len(ratios) >= ENOUGH else declared
