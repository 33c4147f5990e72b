"""Recipes as files: JSON, or a result that carries one."""

import json
from pathlib import Path
from typing import Any

from ml.core import recipe as recipes
from ml.core.chain import is_step
from ml.core.errors import InputError
from ml.core.text import Message, _

NO_RECIPE = Message(
    "recipe_files.no_recipe",
    _("{path} is no recipe and carries none. Give a recipe as JSON, or a result of Latent."),
)


def read_recipe(path: Path) -> list[dict[str, Any]]:
    """The steps that a file says; raises `InputError` where it is no recipe and carries none."""
    found: Any = recipes.extract(path)
    if found is None:
        try:
            found = json.loads(path.read_text("utf-8"))
        except (ValueError, RecursionError):
            found = None
    steps = found.get("steps") if isinstance(found, dict) and "steps" in found else [_with_seed(found)]
    if not isinstance(steps, list) or not steps or not all(map(is_step, steps)):
        raise InputError(NO_RECIPE, path=str(path))
    return steps


def _with_seed(found: Any) -> Any:
    """That of one run has a seed if it says so; only what was asked for several photos leaves it open."""
    return found if isinstance(found, dict) and recipes.is_seed(found.get("seed", 0)) else None
