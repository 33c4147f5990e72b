import subprocess
import sys

import pytest

from jobs.work import scratch

HOLD = """
import sys
from pathlib import Path
from django.conf import settings
settings.configure(HOME=Path(sys.argv[1]))
from jobs.work import scratch
with scratch.folder() as folder:
    (folder / "half a picture").touch()
    print(folder, flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def _home(settings, tmp_path):
    settings.HOME = tmp_path


def folders(home):
    return {str(folder) for folder in (home / "scratch").iterdir()}


def test_a_run_leaves_nothing_behind(tmp_path):
    with scratch.folder() as folder:
        (folder / "half a picture").touch()
        assert folders(tmp_path) == {str(folder)}
    assert folders(tmp_path) == set()


def test_the_folder_of_a_killed_run_is_swept_and_no_other(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with (
        scratch.folder() as mine,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process,
    ):
        theirs = process.stdout.readline().strip()
        assert scratch.sweep() == 0
        assert folders(tmp_path) == {str(mine), theirs}
        process.kill()
        process.wait()
        assert scratch.sweep() == 1
        assert folders(tmp_path) == {str(mine)}
