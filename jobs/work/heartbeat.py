"""Holds the lease of a running job, hears of a cancel, and ends the process if the run does not heed."""

import contextvars
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import redis
from django.conf import settings
from django.db import DatabaseError, connection

from jobs.queue import lifecycle, live
from jobs.queue.lifecycle import Claim, Lease
from jobs.work.endings import HandedBack, LeaseLost, end
from ml.core.errors import Cancelled, DeadlineExceeded, Stopped

log = logging.getLogger(__name__)

WATCH_SECONDS = 0.2


class Heartbeat:
    """Holds the lease of a running job and sees when it must stop; ends the process if the run does not heed."""

    def __init__(self, claim: Claim, told_to_go: Callable[[], bool]) -> None:
        self.reason: type[Stopped] | None = None
        self.deadline = time.monotonic() + claim.job.deadline_seconds
        self._claim = claim
        self._told_to_go = told_to_go
        self._over = threading.Event()
        here = contextvars.copy_context()  # so that it logs about the same job
        self._thread = threading.Thread(target=here.run, args=(self._look,), name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        try:
            next_renewal = time.monotonic() + settings.LATENT.renew_seconds
            while self.reason is None and not self._over.wait(WATCH_SECONDS):
                if self._told_to_go():
                    self.reason = HandedBack
                elif time.monotonic() > self.deadline:
                    self.reason = DeadlineExceeded
                elif self._must_ask_database() or time.monotonic() >= next_renewal:
                    next_renewal = time.monotonic() + settings.LATENT.renew_seconds
                    self.reason = self._renew()
            if self.reason is not None and not self._over.wait(settings.LATENT.cancel_grace_seconds):
                self._end_process()
        finally:
            connection.close()

    def _must_ask_database(self) -> bool:
        try:
            return live.cancel_hinted(self._claim.job.uuid)
        except redis.RedisError:
            self._over.wait(1)
            return True

    def _renew(self) -> type[Stopped] | None:
        try:
            lease = lifecycle.renew(self._claim, self.deadline - time.monotonic())
        except DatabaseError:
            log.warning("the lease of job %s could not be renewed", self._claim.job.uuid)
            return None
        return {Lease.HELD: None, Lease.CANCEL_REQUESTED: Cancelled, Lease.LOST: LeaseLost}[lease]

    def _end_process(self) -> None:
        log.warning("job %s does not heed; its process is ended", self._claim.job.uuid)
        try:
            if self.reason is not None:
                end(self._claim, self.reason())
        finally:  # without the database, its lease will tell
            os.kill(os.getpid(), signal.SIGKILL)
