"""A worker's child: what it does while it waits for work."""

import logging
import math
import time

from django.db import DatabaseError, connection

from jobs.queue import reaper
from jobs.work import scratch
from jobs.work.heartbeat import WATCH_SECONDS
from ml.registry import registry

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0


class Work:
    """Whether this child works, or has worked a moment ago."""

    def __init__(self) -> None:
        self._until = 0.0

    def __enter__(self) -> None:
        self._until = math.inf

    def __exit__(self, *_: object) -> None:
        self._until = time.monotonic() + PAUSE_SECONDS

    def wait_for_a_pause(self) -> None:
        while time.monotonic() < self._until:
            time.sleep(WATCH_SECONDS)


work = Work()


def warm_up(worker: str) -> None:
    """What a fresh child does while it waits for work: see to its predecessor's job, and import the networks."""
    scratch.sweep()
    try:
        reaper.lose_dead_children(worker)
    except DatabaseError:
        log.warning("the jobs of a lost child are left to the scheduler: the database is away")
    finally:
        connection.close()
    time.sleep(PAUSE_SECONDS)
    for operation in registry().all():
        work.wait_for_a_pause()  # imports hold up what runs beside them
        operation.function()
