"""Rules for the tests themselves."""

import ast
from collections.abc import Iterator

import pytest

from webapp.config import BASE_DIR

CLOCKS = {
    "monotonic",
    "perf_counter",
    "process_time",
    "thread_time",
    "time",
    "monotonic_ns",
    "perf_counter_ns",
    "time_ns",
}
NOT_TIMED = {"wait_until_ready"}
"""Functions of other files of the tests that give seconds which went by."""


def names_a_clock(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in {f"time.{clock}" for clock in CLOCKS} | (
        CLOCKS - {"time"}
    )


def target_names(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr


class Times:
    """Which names of a file hold moments of a clock, and which hold seconds that went by between two."""

    def __init__(self, tree: ast.AST) -> None:
        self.moments: set[str] = set()
        self.elapsed: set[str] = set(NOT_TIMED)
        before = None
        while before != (len(self.moments), len(self.elapsed)):
            before = len(self.moments), len(self.elapsed)
            for node in ast.walk(tree):
                self._learn(node)

    def _learn(self, node: ast.AST) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                pass
            case (
                ast.AnnAssign(target=target, value=ast.expr() as value)
                | ast.AugAssign(target=target, value=value)
                | ast.NamedExpr(target=target, value=value)
            ):
                targets = [target]
            case ast.FunctionDef(name=name):
                returned = [
                    part.value for part in ast.walk(node) if isinstance(part, ast.Return) and part.value
                ]
                self._say([name], returned)
                return
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append" | "add"), args=arguments):
                self._say([name], arguments)
                return
            case _:
                return
        for target in targets:
            pairs = (
                zip(target.elts, value.elts, strict=False)
                if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
                else [(target, value)]
            )
            for one, its in pairs:
                self._say(list(target_names(one))[:1], [its])

    def _say(self, names: list[str], values: list[ast.expr]) -> None:
        for value in values:
            if self.is_elapsed(value):
                self.elapsed |= set(names)
            elif self.is_moment(value):
                self.moments |= set(names)

    def is_moment(self, node: ast.AST) -> bool:
        return any(names_a_clock(part) or self._named(part, self.moments) for part in ast.walk(node))

    def is_elapsed(self, node: ast.AST) -> bool:
        return any(
            self._named(part, self.elapsed)
            or (
                isinstance(part, ast.BinOp)
                and isinstance(part.op, ast.Sub)
                and self.is_moment(part.left)
                and self.is_moment(part.right)
            )
            for part in ast.walk(node)
        )

    @staticmethod
    def _named(node: ast.AST, names: set[str]) -> bool:
        return (isinstance(node, ast.Name) and node.id in names) or (
            isinstance(node, ast.Attribute) and node.attr in names
        )


def timed_assertions(source: str) -> list[int]:
    """The lines at which seconds that went by are compared, of an `assert`."""
    tree = ast.parse(source)
    times = Times(tree)
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert)
        for part in ast.walk(node.test)
        if isinstance(part, ast.Compare) and times.is_elapsed(part)
    ]


@pytest.mark.slow
def test_no_test_compares_seconds_that_went_by() -> None:
    """A busy machine must fail nobody's test: count what is asked, tried or done; benchmarks/ measures times.

    To wait for something with patience is fine. What a function of another file measures is not seen, but for
    those named above, and neither is a time that a run itself told, as `run_seconds`.
    """
    found = [
        f"{path.relative_to(BASE_DIR)}:{line}"
        for path in sorted((BASE_DIR / "tests").rglob("test_*.py"))
        for line in timed_assertions(path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "begun = time.monotonic()\nassert time.monotonic() - begun < 1",
        "begun = time.time()\ntook = time.time() - begun\nassert took <= 5",
        "begun = time.monotonic()\ntook = []\ntook.append(time.monotonic() - begun)\nassert median(took) < 1",
        "def now(): return time.process_time() / 2\nat = now()\nassert now() - at < 1",
        "class A:\n  def f(self):\n    now = time.time()\n    self.longest = max(self.longest, now - self.asked)\n"
        "    self.asked = now\nassert a.longest < 1",
        "assert site.wait_until_ready() < 15",
    ],
)
def test_the_rule_sees_a_timed_assertion(source: str) -> None:
    assert timed_assertions(source)


def test_the_rule_lets_patience_pass() -> None:
    assert not timed_assertions("give_up_at = time.monotonic() + 5\nassert time.monotonic() < give_up_at")
