"""The whole site on one machine."""

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from webapp.config import config
from webapp.supervisor import output, preconditions
from webapp.supervisor.preconditions import CannotStart
from webapp.supervisor.supervisor import Supervisor


class Command(BaseCommand):
    help = "Start Redis, a worker, the scheduler and the web server, and keep them running until told to end."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--end-with-parent", action="store_true", help="end when the process that started this one does"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with preconditions.lock(settings.HOME):
                preconditions.check_address(config())
                preconditions.make_runtime_folder(config().runtime_folder)
                migrate()
                collect_static_files()
                Supervisor(config(), end_with_parent=options["end_with_parent"]).run()
        except CannotStart as error:
            raise CommandError(str(error)) from None
        except DatabaseError as error:
            raise CommandError(f"The database cannot be used: {' '.join(str(error).split())}") from None
        except KeyboardInterrupt:
            raise CommandError("Ended before it was ready.") from None


def migrate() -> None:
    """Bring the database up to date."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        output.log("bringing the database up to date")
        call_command("migrate", interactive=False, verbosity=0)
    connection.close()


def collect_static_files() -> None:
    """Compress and hash the static files, unless that was done with the very same files."""
    stamp = Path(settings.STATIC_ROOT) / "collected"
    fingerprint = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            file = Path(storage.path(name)).stat()
            fingerprint.update(f"{name} {file.st_size} {file.st_mtime_ns}\n".encode())
    if stamp.exists() and stamp.read_text() == fingerprint.hexdigest():
        return
    output.log("compressing the static files")
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(fingerprint.hexdigest())
