"""Every message of `ml` is defined once, with the values that it is given, and known where nothing runs."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

import ml

ROOT = Path(ml.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))
TAKES_VALUES = (
    "OperationError",
    "InputError",
    "ParamsError",
    "UnknownOperation",
    "WeightsUnavailable",
    "OutOfMemory",
    "wrong",
)
CORE = {"core/text.py", "core/messages.py", "core/validation.py"}


def calls(path: Path) -> Iterator[ast.Call]:
    tree = ast.parse(path.read_text("utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def name_of(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def template_of(node: ast.expr) -> str:
    found = node.args[0] if isinstance(node, ast.Call) else node
    assert isinstance(found, ast.Constant), ast.unparse(node)
    return str(found.value)


def definitions() -> dict[str, tuple[Path, str]]:
    """By code, where each message is defined, and its template."""
    found = {}
    for path in SOURCES:
        for call in calls(path):
            if name_of(call.func) == "Message":
                code, template = call.args
                assert template_of(code) not in found, f"{template_of(code)} is defined twice"
                found[template_of(code)] = (path, template_of(template))
    return found


def templates_by_name(path: Path) -> dict[str, str]:
    """The templates of the messages that a module defines or imports from one that does."""
    names: dict[str, str] = {}
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ml."):
            source = ROOT.parent / f"{(node.module or '').replace('.', '/')}.py"
            imported = templates_by_name(source) if source.is_file() and source != path else {}
            names |= {each.name: imported[each.name] for each in node.names if each.name in imported}
        elif (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and name_of(node.value.func) == "Message"
        ):
            names[name_of(node.targets[0])] = template_of(node.value.args[1])
    return names


def placeholders(template: str) -> set[str]:
    return {name for _words, name, _spec, _how in Formatter().parse(template) if name}


def test_every_code_begins_with_the_package_that_says_it() -> None:
    for code, (path, _template) in definitions().items():
        inside = path.relative_to(ROOT)
        assert inside.as_posix() in CORE or code.startswith(f"{inside.with_suffix('').parts[0]}."), code


def test_messages_are_known_where_no_operation_runs() -> None:
    """In a web process, which imports the declarations and shows what a worker has stored."""
    asked = (
        "from ml.registry import registry; registry(); from ml.core.text import CATALOGUE; print(*CATALOGUE)"
    )
    known = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    defined = {code for code, (path, _) in definitions().items() if path.name != "command_line.py"}
    assert defined <= set(known.split())


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_message_gets_the_values_of_its_placeholders(path: Path) -> None:
    templates = templates_by_name(path)
    for call in calls(path):
        values = {keyword.arg for keyword in call.keywords if keyword.arg}
        if (message := name_of(call.func)) in templates:
            assert values == placeholders(templates[message]), ast.unparse(call)
        elif call.args and (message := name_of(call.args[0])) in templates and name_of(call.func) != "print":
            given = values if name_of(call.func) in TAKES_VALUES else set()
            assert given == placeholders(templates[message]), ast.unparse(call)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_text_is_formatted_before_it_is_translated(path: Path) -> None:
    for call in calls(path):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "format":
            assert name_of(getattr(call.func.value, "func", call)) != "_", ast.unparse(call)
        if name_of(call.func) in ("_", "Message"):
            assert not any(isinstance(node, ast.JoinedStr) for node in ast.walk(call)), ast.unparse(call)
