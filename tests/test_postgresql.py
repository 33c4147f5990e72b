"""What asks the database in ways of its own holds on PostgreSQL as on SQLite, on which the other tests run."""

import os
import subprocess
import sys

import pytest

from tests.conftest import postgres_server
from webapp.config import BASE_DIR

ASKED = (
    "tests/jobs/queue",
    "tests/jobs/web/test_job.py",
    "tests/jobs/web/test_gallery.py",
    "tests/jobs/access/test_guessing.py",
)


@pytest.mark.slow
def test_the_queue_and_its_pages_work_on_postgresql() -> None:
    database = postgres_server()
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--nomigrations", "-m", "not slow", *ASKED],
            cwd=BASE_DIR,
            env={**os.environ, "DATABASE_URL": database.url},
            capture_output=True,
            text=True,
        )
    finally:
        database.close()
    assert ran.returncode == 0, ran.stdout
