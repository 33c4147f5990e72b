"""`python -m tests.faults --seconds 600 [--seed N] [--pause 0.2] [--database URL]`; ends with 1 where anything was found."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from tests.faults.run import run  # noqa: E402

parser = argparse.ArgumentParser(prog="python -m tests.faults")
parser.add_argument("--seconds", type=float, default=600)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--pause", type=float, default=1.0)
parser.add_argument(
    "--database", default="", help="DATABASE_URL of an empty PostgreSQL database; SQLite without"
)
arguments = parser.parse_args()
with tempfile.TemporaryDirectory(prefix="latent-faults-", ignore_cleanup_errors=True) as folder:
    found = run(
        Path(folder),
        arguments.seconds,
        seed=arguments.seed,
        pause=arguments.pause,
        database_url=arguments.database,
    )
print(found.table())
sys.exit(not found.well)
