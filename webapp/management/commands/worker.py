"""One worker, where no supervisor starts it."""

import os
from typing import Any

from django.core.management.base import BaseCommand

from webapp.config import config
from webapp.supervisor.commands import worker_command


class Command(BaseCommand):
    help = "Become the worker that `make run` starts too: it takes work from WORKER_QUEUES."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        command = worker_command(config())
        os.execv(command[0], command)  # noqa: S606 (a command of our own)
