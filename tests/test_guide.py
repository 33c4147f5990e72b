"""docs/add-an-operation.md, followed block by block in a copy of the repository."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
COPIED = ("ml", "jobs", "webapp", "templates", "static", "tests", "manage.py", "pyproject.toml")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

ON_THE_SITE = '''
"""What the site shows of it, without a word about it in jobs/."""

import pytest
from django.test import Client

from jobs.library.samples import submit_sample
from jobs.models import Job

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


def test_the_home_page_shows_its_example(client: Client) -> None:
    home = client.get("/").content.decode()
    assert "/new/posterise" in home
    assert "examples/posterise-after" in home
    assert home.index("/new/denoise") < home.index("/new/posterise") < home.index("/new/classify")


def test_the_form_asks_for_what_it_declares(client: Client) -> None:
    form = client.get("/new/posterise").content.decode()
    for said in ("Posterise", 'name="levels"', "Even", "More values where it is dark"):
        assert said in form


def test_the_catalogue_has_a_page(client: Client) -> None:
    assert "Each value as far from the next" in client.get("/operations/posterise").content.decode()


def test_the_api_has_its_schema(client: Client) -> None:
    (found,) = (each for each in client.get("/api/v1/operations").json() if each["slug"] == "posterise")
    assert found["group"] == "reimagine"
    assert found["params"]["properties"]["levels"]["maximum"] == 32


def test_its_example_can_be_asked_for() -> None:
    submit_sample("posterise")
    assert Job.objects.get().params["levels"] == 3
'''


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository with what the guide says done to it."""
    folder = tmp_path_factory.mktemp("guide")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    for language, block in BLOCK.findall((ROOT / "docs" / "add-an-operation.md").read_text("utf-8")):
        if language == "python":
            follow(folder, block)
        else:
            for command in block.splitlines():
                said = run(folder, *command.split()[1:])
                assert said.returncode == 0, said.stdout + said.stderr
    (folder / "tests" / "test_on_the_site.py").write_text(ON_THE_SITE)
    return folder


def follow(folder: Path, block: str) -> None:
    """Write a block into the file that its first line names; one that goes into a tuple, as its last line."""
    place, text = block.removeprefix("# ").split("\n", 1)
    name, _comma, within = place.partition(", in ")
    path = folder / name
    if within:
        whole = path.read_text("utf-8")
        end = whole.index("\n)", whole.index(f"{within} = ("))
        path.write_text(f"{whole[:end]}\n{text.rstrip()}{whole[end:]}", "utf-8")
    else:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment |= {"PYTHONPATH": str(folder), "LATENT_HOME": str(folder / "var")}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_command_line_has_made_a_picture(copy: Path) -> None:
    assert (copy / "out.png").stat().st_size > 1000
    assert "posterise" in run(copy, "-m", "ml", "list").stdout


def test_its_tests_pass_and_those_of_all_operations(copy: Path) -> None:
    said = run(
        copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "posterise",
        "tests/ml/test_posterise.py", "tests/ml/test_declarations.py", "tests/ml/test_odd_pictures.py",
    )  # fmt: skip
    assert said.returncode == 0, said.stdout
    passed = re.search(r"(\d+) passed", said.stdout)
    assert passed
    assert int(passed[1]) >= 15, "those of all operations did not run for it"


def test_the_site_shows_it(copy: Path) -> None:
    said = run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_on_the_site.py")
    assert said.returncode == 0, said.stdout
