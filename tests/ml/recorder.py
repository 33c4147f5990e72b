"""A context that keeps what a run says, and can ask it to stop."""

from ml.core.context import Context
from ml.core.images import Picture


class Recorder(Context):
    """Cancels at the n-th question, if told so; `told_after` counts what a run says after that."""

    def __init__(self, *, seed: int = 0, cancel_at: int | None = None) -> None:
        super().__init__(seed=seed)
        self.asked = self.told_after = 0
        self.cancel_at = cancel_at
        self.fractions: list[float] = []
        self.previews: list[Picture] = []
        self.curves: dict[str, list[tuple[float, float]]] = {}

    def progress(self, fraction: float, note: object = None) -> None:
        self.fractions.append(fraction)
        self.told_after += self.cancelled

    def preview(self, picture: Picture) -> None:
        self.previews.append(picture)
        self.told_after += self.cancelled

    def series(self, name: str, x: float, y: float) -> None:
        self.curves.setdefault(name, []).append((x, y))

    def cancel_requested(self) -> bool:
        self.asked += 1
        return self.cancelled

    @property
    def cancelled(self) -> bool:
        return self.cancel_at is not None and self.asked >= self.cancel_at
