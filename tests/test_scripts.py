"""What the scripts of the pages decide, by node's own test runner."""

import os
import shutil
import subprocess

import pytest

from webapp.config import BASE_DIR


def test_what_the_scripts_decide() -> None:
    node = shutil.which("node")
    if node is None:
        reason = "There is no node: install the package nodejs (apt install nodejs)."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    tests = sorted(str(path) for path in (BASE_DIR / "tests/js").glob("*.test.mjs"))
    assert tests
    ran = subprocess.run([node, "--test", *tests], cwd=BASE_DIR, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
