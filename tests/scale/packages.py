"""The environment of the web image, made of links to packages that lie here already."""

import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

from webapp.config import BASE_DIR


def web_environment(folder: Path) -> Path:
    """A virtual environment with what the extra `web` asks for, and nothing else; its folder of programs."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    packages = next(folder.glob("lib/python3*/site-packages"))
    project = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]
    for name in _closure([*project["dependencies"], *project["optional-dependencies"]["web"]]):
        found = distribution(name)
        for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            link = packages / top
            if not link.exists():
                link.symlink_to(str(found.locate_file(top)))
    return folder / "bin"


def _closure(requirements: Iterable[str]) -> set[str]:
    """The names of all packages that these need, here and now."""
    found: set[tuple[str, str]] = set()
    wanted = [(Requirement(text), "") for text in requirements]
    while wanted:
        package, extra = wanted.pop()
        if package.marker and not package.marker.evaluate({"extra": extra}):
            continue
        for asked in {"", *package.extras} - {asked for name, asked in found if name == package.name}:
            found.add((package.name, asked))
            wanted += [(Requirement(text), asked) for text in distribution(package.name).requires or ()]
    return {name for name, _ in found}
