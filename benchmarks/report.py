"""Writes what a benchmark measured into docs/benchmarks.md."""

import os
import re

from webapp.config import BASE_DIR

PAGE = BASE_DIR / "docs" / "benchmarks.md"
HEADING = "# Benchmarks\n\nEach section is written by the command that it names, in one run of it.\n"


def table(rows: list[tuple[str, ...]]) -> str:
    """Markdown; the first row is the head."""
    head, *body = rows
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *body))


def write(title: str, command: str, text: str) -> None:
    """Put a section in the place of an earlier one of that title, and print it."""
    undisturbed = os.sched_getscheduler(0) != os.SCHED_OTHER
    with_chrt = "chrt --rr 1 " if undisturbed else ""
    section = f"## {title}\n\n`{with_chrt}{command}`, on {os.cpu_count()} CPU cores.\n\n{text}\n"
    page = PAGE.read_text() if PAGE.exists() else HEADING
    earlier = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    found = earlier.search(page)
    page = page[: found.start()] + section + page[found.end() :] if found else f"{page.rstrip()}\n\n{section}"
    PAGE.write_text(page)
    print(section)
