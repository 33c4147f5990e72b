"""`python -m tests.faults --seconds 600 [--seed N] [--pause 1.0] [--database postgresql]`; ends with 1 where anything
was found, and, with CI=true, where a kind of fault had to be left out."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from tests.faults.machine import CannotRun  # noqa: E402
from tests.faults.run import run  # noqa: E402

parser = argparse.ArgumentParser(prog="python -m tests.faults")
parser.add_argument("--seconds", type=float, default=600)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--pause", type=float, default=1.0)
parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
arguments = parser.parse_args()
with tempfile.TemporaryDirectory(prefix="latent-faults-", ignore_cleanup_errors=True) as folder:
    try:
        found = run(
            Path(folder),
            arguments.seconds,
            seed=arguments.seed,
            pause=arguments.pause,
            database=arguments.database,
        )
    except CannotRun as error:
        sys.exit(str(error))
print(found.table())
sys.exit(not found.well or bool(found.left_out and os.environ.get("CI") == "true"))
