"""The whole site under many clients at once: `python -m benchmarks.load [--clients N] [--minutes M]`.

Starts a site of its own as `make run` does, in a temporary folder, and as many visitors (`benchmarks.clients`):
each sends a photo of a megapixel a minute, has always one job under way, and polls it once a second as its page
does, so that the worker is busy throughout. They come one by one within a minute, which does not count.
Ends with status 1 where the site answered with a 5xx that is no refusal (those say when to come back), left
a request without an answer, or let polls wait longer than `GOAL_MILLISECONDS` at the 95th percentile.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import report

if TYPE_CHECKING:
    from tests.site import Site

GOAL_MILLISECONDS = 100
LOOK_SECONDS = 2.0
ARRIVAL_SECONDS = 60.0
PATIENCE_SECONDS = 300


@dataclass(frozen=True)
class Answers:
    """Those to requests of one kind with one status: how many, and how long they took, in milliseconds."""

    kind: str
    status: str
    refused: bool
    count: int
    median: float
    p95: float
    p99: float

    @property
    def is_error(self) -> bool:
        """Neither an answer nor a refusal."""
        return not self.refused and not self.status.startswith("2")

    @property
    def is_slow(self) -> bool:
        return self.kind == "poll" and self.p95 > GOAL_MILLISECONDS


@dataclass(frozen=True)
class Use:
    """What the processes of a child of the supervisor take: bytes, and seconds of the processor so far."""

    memory: int
    seconds: float
    at: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="latent-") as folder:
        os.environ |= {"LATENT_HOME": f"{folder}/home", "LOG_LEVEL": "WARNING", "SAMPLE_JOBS": "0"}
        os.environ |= {"DATABASE_URL": "", "REDIS_URL": "", "DJANGO_SETTINGS_MODULE": "webapp.settings"}
        import django

        django.setup()
        from tests.site import Site, free_port

        site = Site(Path(folder) / "home", free_port())
        try:
            site.wait_until_ready(PATIENCE_SECONDS)
            answers, uses = visit(site, arguments.clients, arguments.minutes)
            tell(answers, uses, ended_jobs(), arguments)
        finally:
            site.end()
    sys.exit(any(answer.is_error or answer.is_slow for answer in answers))


def visit(site: "Site", clients: int, minutes: float) -> tuple[list[Answers], dict[str, list[Use]]]:
    """Send the clients; what they were told, and what the site's processes took meanwhile."""
    uses: dict[str, list[Use]] = {"web": [], "worker": []}
    command = [sys.executable, "-m", "benchmarks.clients", site.url]
    command += ["--clients", str(clients), "--seconds", str(60 * minutes)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as visitors:
        while visitors.poll() is None:
            for name, seen in uses.items():
                seen.append(use(site, name))
            time.sleep(LOOK_SECONDS)
        assert visitors.stdout is not None
        told: list[dict[str, Any]] = json.load(visitors.stdout)
    return [Answers(**answers) for answers in told], uses


def use(site: "Site", name: str) -> Use:
    child = site.child(name)
    assert child is not None, f"{name} is gone"
    processes = [child, *child.children(recursive=True)]
    seconds = sum(sum(process.cpu_times()[:2]) for process in processes)
    return Use(sum(process.memory_full_info().pss for process in processes), seconds, time.monotonic())


def share(uses: Sequence[Use]) -> float:
    """Of one core."""
    return (uses[-1].seconds - uses[0].seconds) / (uses[-1].at - uses[0].at)


def memories(uses: Sequence[Use]) -> tuple[int, int, int, int]:
    """At first, when all clients had come, at the end, and the most."""
    there = next((seen for seen in uses if seen.at > uses[0].at + ARRIVAL_SECONDS), uses[-1])
    return uses[0].memory, there.memory, uses[-1].memory, max(seen.memory for seen in uses)


def ended_jobs() -> dict[str, int]:
    from django.db.models import Count

    from jobs.models import Job

    return dict(Job.objects.order_by().values_list("status").annotate(Count("pk")))


def tell(
    answers: Sequence[Answers],
    uses: dict[str, list[Use]],
    jobs: dict[str, int],
    arguments: argparse.Namespace,
) -> None:
    failed = sum(answer.count for answer in answers if answer.is_error)
    refused = sum(answer.count for answer in answers if answer.refused)
    counted = ", ".join(f"{count:,} {status}" for status, count in sorted(jobs.items()))
    report.write(
        "The whole site under many clients",
        f"python -m benchmarks.load --clients {arguments.clients} --minutes {arguments.minutes:g}",
        report.table(
            [
                ("request", "answer", "count", "a second", "median", "95 %", "99 %"),
                *(answer_row(answer, 60 * arguments.minutes) for answer in sorted(answers, key=str)),
            ]
        )
        + f"\n\n{failed} failed and {refused} refused. Jobs: {counted}.\n\n"
        + report.table(
            [
                ("", "memory at first", "with all clients", "at the end", "most", "of one core"),
                *(use_row(name, seen) for name, seen in uses.items()),
            ]
        )
        + "\n\nA site as `make run` starts it, with SQLite, and the clients on the same machine. Each is a visitor who "
        "sends a JPEG of a megapixel a minute, has always one job under way (twice the size, bicubic) and asks once a "
        "second how it stands.",
    )


def answer_row(answers: Answers, seconds: float) -> tuple[str, ...]:
    return (
        answers.kind,
        f"{answers.status}, a refusal" if answers.refused else answers.status,
        f"{answers.count:,}",
        f"{answers.count / seconds:.1f}",
        *(f"{milliseconds:.0f} ms" for milliseconds in (answers.median, answers.p95, answers.p99)),
    )


def use_row(name: str, uses: Sequence[Use]) -> tuple[str, ...]:
    return (name, *map(megabytes, memories(uses)), f"{100 * share(uses):.0f} %")


def megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"


if __name__ == "__main__":
    main()
