"""Nothing of the site names an operation, a method or a metric: what is said of them, their packages say."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from ml.registry import registry

ROOT = Path(__file__).parents[1]
STRING = re.compile(r"""'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`""")
TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
ATTRIBUTE = re.compile(r"""[\w-]+=(?:"([^"]*)"|'([^']*)')""")
SELECTOR = re.compile(r"[.#\[]([\w-]+)")
KEY = re.compile(r"(?:^|[{,(\s])([\w-]+)\s*:")

OTHER_WORDS = {
    "compare": "the view in which two pictures lie on each other, whatever they are",
    "content": "a keyword of Django's responses",
    "frames": "how many pictures an upload has",
    "jpeg": "a file format",
    "photos": "what was uploaded: a table, an address and a folder",
    "seconds": "how long an upload plays, and a length of time for timedelta",
}
"""Names that are plain words, too, and what they mean on the site."""


def names() -> set[str]:
    """Of operations, methods, figures and curves."""
    found: set[str] = set()
    for operation in registry().all():
        found |= {operation.slug, *operation.also, *operation.methods}
        found |= {metric.name for metric in (*operation.metrics, *operation.series)}
    return found


def of_python(text: str) -> Iterator[str]:
    """Whole strings, which are keys as well, and the names of keyword arguments."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg


def of_template(text: str) -> Iterator[str]:
    """Strings in the tags of the template, and the values of HTML's attributes, class by class."""
    for tag in TAG.findall(text):
        yield from quoted(tag)
    for values in ATTRIBUTE.findall(TAG.sub(" ", text)):
        yield from " ".join(values).split()


def of_script(text: str) -> Iterator[str]:
    yield from quoted(text)
    yield from KEY.findall(STRING.sub('""', text))


def of_style(text: str) -> Iterator[str]:
    """Selectors; properties are CSS's own."""
    for rule in re.findall(r"([^{}]*)\{", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)):
        yield from SELECTOR.findall(rule)
        yield from quoted(rule)


def quoted(text: str) -> Iterator[str]:
    for values in STRING.findall(text):
        yield "".join(values)


@cache
def words_of(path: Path) -> frozenset[str]:
    return frozenset(READERS[path.suffix](path.read_text("utf-8")))


READERS = {".py": of_python, ".html": of_template, ".js": of_script, ".css": of_style}
FILES = [
    path
    for folder in ("jobs", "templates", "static")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in READERS and "migrations" not in path.parts
]


def test_nothing_of_the_site_names_an_operation_a_method_or_a_metric() -> None:
    allowed, forbidden = set(OTHER_WORDS), names()
    found = {str(path): words_of(path) & forbidden for path in FILES}
    assert {path: words - allowed for path, words in found.items() if words - allowed} == {}


@pytest.mark.parametrize("word", OTHER_WORDS)
def test_every_excuse_is_needed(word: str) -> None:
    assert word in names()
    assert any(word in words_of(path) for path in FILES)


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".py", "x = {'deep-dream': 1}"),
        (".py", "f(psnr=1)"),
        (".html", "{% if job.operation == 'deep-dream' %}"),
        (".html", '<b class="note deep-dream">'),
        (".js", 'if (slug === "deep-dream") go();'),
        (".js", "const titles = { psnr: 1 };"),
        (".css", ".deep-dream { color: red }"),
        (".css", '[data-operation="deep-dream"] { color: red }'),
    ],
)
def test_a_name_would_be_found(suffix: str, text: str) -> None:
    assert set(READERS[suffix](text)) & names()
