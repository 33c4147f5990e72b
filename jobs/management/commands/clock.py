"""The clock: a small process of its own that sees to it that nothing is stuck."""

import logging
import time
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections

from jobs import lifecycle
from webapp.config import config

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Reap lost jobs and announce waiting ones, for ever."

    def handle(self, *args: Any, **options: Any) -> None:
        while True:
            close_old_connections()
            try:
                lifecycle.reap()
            except DatabaseError:
                log.exception("the clock could not look; it tries again")
            time.sleep(config().reap_seconds)
