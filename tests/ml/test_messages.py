"""Every message of `ml` is defined once, with the values that it is given, and known where nothing runs."""

import subprocess
import sys
from pathlib import Path

from tests.messages import ROOT, calls, formatted_too_early, is_message, sources, text_of, with_wrong_values

SOURCES = sources("ml")
COMMANDS = ("command_line.py", "recipe_files.py")
SHARED = {"ml/core/text.py", "ml/core/messages.py", "ml/core/validation.py"}
TAKES_VALUES = (
    "OperationError",
    "InputError",
    "ParamsError",
    "UnknownOperation",
    "WeightsUnavailable",
    "OutOfMemory",
    "wrong",
)


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def definitions() -> list[tuple[str, Path]]:
    """The code of each message, and where it is defined."""
    return [(text_of(call.args[0]), path) for path in SOURCES for call in calls(path) if is_message(call)]


def test_a_code_is_given_once_and_begins_with_the_package_that_says_it() -> None:
    codes = [code for code, _path in definitions()]
    assert len(codes) == len(set(codes))
    for code, path in definitions():
        home = path.relative_to(ROOT / "ml").with_suffix("").parts[0]
        assert named(path) in SHARED or code.startswith(f"{home}."), code


def test_messages_are_known_where_no_operation_runs() -> None:
    """In a web process, which imports the declarations and shows what a worker has kept."""
    asked = (
        "from ml.registry import registry; registry(); from ml.core.text import CATALOGUE; print(*CATALOGUE)"
    )
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd=ROOT)
    kept = {code for code, path in definitions() if path.name not in COMMANDS}
    assert kept <= set(told.stdout.split())


def test_a_message_gets_the_values_of_its_placeholders() -> None:
    assert {named(path): wrong for path in SOURCES if (wrong := with_wrong_values(path, TAKES_VALUES))} == {}


def test_no_text_is_formatted_before_it_is_translated() -> None:
    assert {named(path): wrong for path in SOURCES if (wrong := formatted_too_early(path))} == {}
