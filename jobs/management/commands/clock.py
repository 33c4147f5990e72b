"""The scheduler: a small process of its own that sees to it that nothing is stuck."""

import logging
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections

from jobs.library import retention
from jobs.library.samples import shown_first, submit_sample
from jobs.models import Job, Owner
from jobs.notify import outbox
from jobs.notify.deliveries import Deliverer
from jobs.queue import reaper

log = logging.getLogger(__name__)

CLEAN_SECONDS = 600
SET_SECONDS = 60


class Cleaning:
    """Is due every ten minutes, while the time runs evenly: one that was just set may be wrong for a while."""

    def __init__(self) -> None:
        self._wait()

    def due(self) -> bool:
        if abs(self._offset - _offset()) > SET_SECONDS:
            log.warning("the clock has been set; nothing is cleaned up in the next ten minutes")
            self._wait()
        if time.monotonic() < self._next:
            return False
        self._wait()
        return True

    def _wait(self) -> None:
        self._next, self._offset = time.monotonic() + CLEAN_SECONDS, _offset()


def _offset() -> float:
    """What changes only where the clock is set."""
    return time.time() - time.monotonic()


class Command(BaseCommand):
    help = "Reap lost jobs, announce waiting ones, tell who wants to be told, and clean up, for ever."
    requires_system_checks = ()  # they would import every page of the site

    def handle(self, *args: Any, **options: Any) -> None:
        nobody_yet = not Owner.objects.exists()
        samples = shown_first() if settings.LATENT.sample_jobs and nobody_yet else []
        cleaning, deliverer = Cleaning(), Deliverer()
        while True:
            close_old_connections()
            try:
                reaper.reap()
                outbox.hand_over()
                deliverer.look()
                if samples and not Job.objects.unfinished().exists():  # nobody should wait for them
                    submit_sample(samples.pop(0))
                if cleaning.due():
                    cleaned = {what: count for what, count in retention.clean().items() if count}
                    if cleaned:
                        log.info("cleaned up: %s", cleaned)
            except (DatabaseError, OSError):
                log.exception("the scheduler could not look; it tries again")
            (settings.HOME / "clock").touch()  # for whoever asks whether it still goes
            time.sleep(settings.LATENT.reap_seconds)
