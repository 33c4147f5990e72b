"""What the tests of messages read in the source."""

import ast
from functools import cache
from pathlib import Path
from string import Formatter

ROOT = Path(__file__).parents[1]


def sources(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    return [path for path in found if "migrations" not in path.parts]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def calls(path: Path) -> tuple[ast.Call, ...]:
    return tuple(node for node in ast.walk(tree(path)) if isinstance(node, ast.Call))


def name_of(node: ast.AST | None) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def text_of(node: ast.expr) -> str:
    """Of a literal, or of one within `_`."""
    found = node.args[0] if isinstance(node, ast.Call) else node
    assert isinstance(found, ast.Constant), ast.unparse(node)
    return str(found.value)


def is_message(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and name_of(node.func) == "Message" and len(node.args) == 2


@cache
def templates(path: Path) -> dict[str, str]:
    """By name, the templates of the messages that a module defines or imports."""
    names: dict[str, str] = {}
    for node in tree(path).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module != "ml.core.text":
            source = ROOT / f"{node.module.replace('.', '/')}.py"
            defined = templates(source) if source.is_file() else {}
            names |= {each.name: defined[each.name] for each in node.names if each.name in defined}
        elif isinstance(node, ast.Assign) and is_message(node.value):
            assert isinstance(node.value, ast.Call)
            names[name_of(node.targets[0])] = text_of(node.value.args[1])
    return names


def placeholders(template: str) -> set[str]:
    return {name for _words, name, _spec, _how in Formatter().parse(template) if name}


def with_wrong_values(path: Path, takes_values: tuple[str, ...] = ()) -> list[str]:
    """Where a message gets other values than its placeholders: called, or handed over without or beside them."""
    known, wrong = templates(path), []
    for call in calls(path):
        values = {keyword.arg for keyword in call.keywords}
        if (message := name_of(call.func)) in known:
            given = values
        elif (message := name_of(call.args[0] if call.args else None)) in known:
            given = values if name_of(call.func) in takes_values else set()
        else:
            continue
        if given != placeholders(known[message]):
            wrong.append(ast.unparse(call))
    return wrong


def formatted_too_early(path: Path) -> list[str]:
    """Texts that are formatted before whoever reads them is known, or before they could be translated."""
    found = []
    for call in calls(path):
        formats = isinstance(call.func, ast.Attribute) and call.func.attr == "format"
        if formats and name_of(getattr(call.func.value, "func", None)) == "_":  # type: ignore[attr-defined]
            found.append(ast.unparse(call))
        if name_of(call.func) in ("_", "Message") and any(
            isinstance(node, ast.JoinedStr) for node in ast.walk(call)
        ):
            found.append(ast.unparse(call))
    return found
