"""`python -m tests.fuzz files --count 10000`, `… facts --count 5000`, `… headers --count 3000`, `… api --calls 5000`; 1 where anything was found.

With `--seed N` another thousand things go wrong, and with `--database URL` on an empty PostgreSQL database.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from tests.fuzz import api, facts, files, headers  # noqa: E402
from tests.fuzz.target import Target  # noqa: E402
from tests.settings import TEST_HOME  # noqa: E402

common = argparse.ArgumentParser(add_help=False)
common.add_argument("--seed", type=int, default=0)
common.add_argument(
    "--database", default="", help="DATABASE_URL of an empty PostgreSQL database; SQLite without"
)
parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
what = parser.add_subparsers(dest="what", required=True)
what.add_parser("files", parents=[common]).add_argument("--count", type=int, default=10_000)
what.add_parser("headers", parents=[common]).add_argument("--count", type=int, default=3_000)
what.add_parser("api", parents=[common]).add_argument("--calls", type=int, default=5_000)
what.add_parser("facts", parents=[common]).add_argument("--count", type=int, default=5_000)
arguments = parser.parse_args()
if arguments.what == "facts":  # which need no site
    told = facts.run(arguments.count, arguments.seed)
    print(told.table())
    sys.exit(bool(told.wrong))
with tempfile.TemporaryDirectory(prefix="latent-fuzz-", ignore_cleanup_errors=True) as folder:
    target = Target(Path(folder), arguments.database)
    try:
        found: files.Findings | headers.Findings | api.Findings
        if arguments.what == "files":
            found = files.run(target, arguments.count, arguments.seed)
        elif arguments.what == "headers":
            found = headers.run(target, arguments.count, arguments.seed)
        else:
            found = api.run(target, arguments.calls, arguments.seed)
    finally:
        target.close()
        shutil.rmtree(TEST_HOME, ignore_errors=True)
print(found.table())
sys.exit(bool(found.wrong))
