"""What a job will take, corrected by what such jobs took before."""

import statistics
from functools import cache

from jobs.models import Job

HISTORY = 100
ENOUGH = 3
ALIKE = 4.0  # a small photo's overhead says nothing of a large one


class History:
    """What recent jobs took, each kind looked up once."""

    def __init__(self) -> None:
        self._recent = cache(_recent)

    def expected_seconds(self, operation: str, method: str, declared: float) -> float:
        """The declared cost, times the median of what recent runs of the same kind and about the same size took."""
        ratios = [
            took / said
            for took, said in self._recent(operation, method)
            if took is not None and 0 < said < declared * ALIKE and declared < said * ALIKE
        ]
        return declared * statistics.median(ratios) if len(ratios) >= ENOUGH else declared


def _recent(operation: str, method: str) -> list[tuple[float | None, float]]:
    """Seconds that were taken, and those that had been declared."""
    return list(
        Job.objects.filter(status=Job.Status.SUCCEEDED, operation=operation, method=method)
        .order_by("-id")
        .values_list("run_seconds", "declared_seconds")[:HISTORY]
    )
