"""How long a claim, a place in the queue and a large batch take while 100,000 jobs of 5,000 owners wait, half of them blocked.

python -m benchmarks.claim
"""

import os
import shutil
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ |= {"DJANGO_SETTINGS_MODULE": "tests.settings", "LOG_LEVEL": "WARNING"}

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from benchmarks import report  # noqa: E402
from jobs.models import Asset, FairShare, Job, Owner  # noqa: E402
from jobs.queue import lifecycle, line, submission  # noqa: E402
from jobs.queue.request import Step, for_photos  # noqa: E402
from tests.settings import TEST_HOME  # noqa: E402

JOBS, OWNERS, TIMES = 100_000, 5_000, 300
PHOTOS, BATCHES = 500, 5


def main() -> None:
    call_command("migrate", verbosity=0)
    fill()
    somewhere = Job.objects.queued().order_by("uuid")[:TIMES]  # random, as UUIDs are
    rows = [
        ("", "median", "95 % within", "of the processor"),
        row("claim", [timed(partial(lifecycle.claim, "cpu")) for _ in range(TIMES)]),
        row("place", [timed(partial(line.place, job)) for job in somewhere]),
        row(f"submit {PHOTOS} photos × 2 steps", [timed(batch_of(photos())) for _ in range(BATCHES)]),
    ]
    report.write(
        f"Claiming a job, its place in the queue, and a batch, with {JOBS:,} jobs of {OWNERS:,} owners waiting, half of them "
        "blocked",
        "python -m benchmarks.claim",
        report.table(rows) + f"\n\n{connection.vendor}; {TIMES} claims and places, {BATCHES} batches.",
    )
    shutil.rmtree(TEST_HOME)


def fill() -> None:
    owners = Owner.objects.bulk_create(Owner() for _ in range(OWNERS))
    each = JOBS // OWNERS // 2
    shares = FairShare.objects.bulk_create(
        FairShare(key=owner.fair_share_key, queue="cpu", waiting=each, waiting_seconds=each)
        for owner in owners
    )
    places = list(zip(owners, shares, strict=True))
    Job.objects.bulk_create(
        (
            Job(
                owner=owner,
                fair_share=share,
                operation="denoise",
                queue="cpu",
                declared_seconds=1,
                expected_seconds=1,
                deadline_seconds=600,
                status=status,
            )
            for _ in range(each)
            for owner, share in places
            for status in (Job.Status.QUEUED, Job.Status.BLOCKED)
        ),
        batch_size=1000,
    )


def photos() -> list[Asset]:
    """Rows of a member's, without files: what is asked for does not run."""
    user = User.objects.create(username=f"member-{Owner.objects.count()}")
    owner = Owner.objects.create(user=user)
    return Asset.objects.bulk_create(
        Asset(
            owner=owner,
            kind="image",
            format="jpeg",
            file="photo.jpg",
            width=800,
            height=600,
            bytes=1,
            sha256="0" * 64,
        )
        for _ in range(PHOTOS)
    )


def batch_of(given: list[Asset]) -> Callable[[], Any]:
    steps = [Step("denoise"), Step("super-resolution")]
    settings.LATENT = settings.LATENT.model_copy(update={"max_waiting_jobs": 10 * JOBS})
    return partial(submission.submit, for_photos(given[0].owner, given, steps, {}))


def timed(act: Callable[[], Any]) -> tuple[float, float]:
    """Milliseconds by the clock on the wall, and of the processor, which other processes do not disturb."""
    begun, begun_cpu = time.perf_counter(), time.process_time()
    act()
    return 1000 * (time.perf_counter() - begun), 1000 * (time.process_time() - begun_cpu)


def row(what: str, took: list[tuple[float, float]]) -> tuple[str, ...]:
    wall, cpu = ([pair[index] for pair in took] for index in (0, 1))
    p95 = statistics.quantiles(wall, n=20)[-1]
    return (what, *(f"{value:.1f} ms" for value in (statistics.median(wall), p95, statistics.median(cpu))))


if __name__ == "__main__":
    main()
