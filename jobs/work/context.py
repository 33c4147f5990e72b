"""The channel between a run and the site."""

import math
import time
from collections import defaultdict
from pathlib import Path

from jobs.queue import live
from jobs.queue.lifecycle import Claim
from jobs.storage.thumbnails import preview_bytes
from jobs.work.heartbeat import Heartbeat
from ml.core.context import Context
from ml.core.device import default_device
from ml.core.images import Picture
from ml.core.text import Message

TICK_SECONDS = 0.1
PREVIEW_SECONDS = 0.5


def finite(*values: float | None) -> bool:
    """Whether JSON can hold the numbers."""
    return all(value is not None and math.isfinite(value) for value in values)


class JobContext(Context):
    """Reports to the live channel, and heeds what the heartbeat has heard."""

    def __init__(self, claim: Claim, heartbeat: Heartbeat, folder: Path) -> None:
        super().__init__(seed=claim.job.seed, device=default_device(), deadline=heartbeat.deadline)
        self.scratch = folder
        self.curves: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self._uuid = claim.job.uuid
        self._heartbeat = heartbeat
        self._next_tick = self._next_preview = 0.0

    def progress(self, fraction: float, note: Message | None = None) -> None:
        now = time.monotonic()
        if now >= self._next_tick:
            self._next_tick = now + TICK_SECONDS
            live.say(self._uuid, fraction, note)

    def preview(self, picture: Picture) -> None:
        now = time.monotonic()
        if now >= self._next_preview:
            self._next_preview = now + PREVIEW_SECONDS
            live.show(self._uuid, preview_bytes(picture))

    def series(self, name: str, x: float, y: float) -> None:
        self.curves[name].append((x, y))
        if finite(x, y):
            live.add_point(self._uuid, name, x, y)

    def check_cancelled(self) -> None:
        if self._heartbeat.reason is not None:
            raise self._heartbeat.reason
        super().check_cancelled()
