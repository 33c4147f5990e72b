"""How long the admin's pages take with 100,000 jobs: `python -m benchmarks.admin [--jobs N]`.

Makes a database of its own in a temporary folder, and prints, for each page, the median time of `REPEATS`
requests, by the clock and of the CPU (the database is in the same process), and how many queries one makes.
"""

import argparse
import os
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

REPEATS = 7
MEMBERS = 300
OPERATIONS = (("super-resolution", "fsrcnn"), ("denoise", "dncnn"), ("transform", ""))
ERRORS = ("deadline", "out_of_memory", "internal")
WORKERS = ("worker@one", "worker@two")
AT_ONCE = 2000
GOAL_MILLISECONDS = 200


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=100_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="latent-") as home:
        os.environ |= {"LATENT_HOME": home, "LOG_LEVEL": "ERROR", "DATABASE_URL": ""}
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        admin = fill(arguments.jobs)
        measure(admin)


def fill(count: int) -> Any:
    """Jobs of two months, most of them done, with a photo and an output each; returns an admin."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from jobs.models import Asset, FairShare, Job, JobInput, Owner

    chance = random.Random(3)
    users = User.objects.bulk_create(User(username=f"member{number}") for number in range(MEMBERS))
    owners = Owner.objects.bulk_create(Owner(user=user) for user in users)
    share = FairShare.objects.create(key="everybody", queue="cpu")
    now = timezone.now()

    def job(number: int) -> Job:
        operation, method = chance.choice(OPERATIONS)
        arrived = now - timedelta(days=60) * (1 - number / count)
        status = chance.choices(("succeeded", "failed", "cancelled"), (90, 7, 3))[0]
        started = arrived + timedelta(seconds=chance.expovariate(1 / 20))
        seconds = chance.lognormvariate(1, 1)
        if number >= count - 200:
            status = "queued"
        ended = status != "queued"
        return Job(
            owner=chance.choice(owners),
            fair_share=share,
            queue="cpu",
            operation=operation,
            method=method,
            params={"method": method, "scale": 3},
            status=status,
            declared_seconds=seconds,
            expected_seconds=seconds,
            deadline_seconds=600,
            queued_at=arrived,
            created_at=arrived,
            started_at=started if ended else None,
            finished_at=started + timedelta(seconds=seconds) if ended else None,
            run_seconds=seconds if status == "succeeded" else None,
            attempt=int(ended),
            worker=chance.choice(WORKERS) if ended else "",
            recipe={"operation": operation, "params": {}, "inputs": ["0" * 64], "weights": ["1" * 64]},
            error_code=chance.choice(ERRORS) if status == "failed" else "",
            error_text="It did not work." if status == "failed" else "",
        )

    Job._meta.get_field("created_at").auto_now_add = False
    for first in range(0, count, AT_ONCE):
        jobs = Job.objects.bulk_create(job(number) for number in range(first, min(count, first + AT_ONCE)))
        assets = Asset.objects.bulk_create(
            Asset(
                owner=job.owner,
                kind="image",
                format="png",
                width=640,
                height=480,
                bytes=300_000,
                sha256="0" * 64,
                file="photos/none.png",
            )
            for job in jobs
        )
        JobInput.objects.bulk_create(
            JobInput(job=job, slot="photo", asset=asset) for job, asset in zip(jobs, assets, strict=True)
        )
        Asset.objects.bulk_create(
            Asset(
                owner=job.owner,
                made_by=job,
                original=asset,
                attempt=1,
                output="image",
                kind="image",
                format="png",
                file=f"outputs/{uuid.uuid4()}.png",
                width=1920,
                height=1440,
                bytes=2_000_000,
                sha256="0" * 64,
            )
            for job, asset in zip(jobs, assets, strict=True)
            if job.status == "succeeded"
        )
    waiting = Job.objects.queued().count()
    FairShare.objects.filter(pk=share.pk).update(waiting=waiting, waiting_seconds=waiting * 3.0)
    return User.objects.create_superuser("ada")


def measure(admin: Any) -> None:
    from django.db import connection
    from django.test import Client
    from django.urls import reverse
    from django.utils import timezone

    from jobs.models import Job, Owner

    client = Client(HTTP_HOST="localhost")
    client.force_login(admin)
    jobs = reverse("admin:jobs_job_changelist")
    last = Job.objects.order_by("-id").first()
    owner = Owner.objects.exclude(jobs=None).first()
    assert last is not None
    assert owner is not None
    today = timezone.now().date()
    pages = {
        "jobs": jobs,
        "jobs, page 100": f"{jobs}?p=100",
        "jobs, failed": f"{jobs}?status__exact=failed",
        "jobs, one operation": f"{jobs}?operation=denoise",
        "jobs, one method": f"{jobs}?method=dncnn",
        "jobs, a method nobody used": f"{jobs}?method=nlm",
        "jobs, one owner": f"{jobs}?owner__id__exact={owner.pk}",
        "jobs, one worker": f"{jobs}?worker={WORKERS[0]}",
        "jobs, a worker long gone": f"{jobs}?worker=nobody",
        "jobs, today": f"{jobs}?created_at_from={today}",
        "jobs, a day two months ago": f"{jobs}?created_at_to={today - timedelta(days=59)}",
        "jobs, search for a job": f"{jobs}?q={str(last.uuid)[:8]}",
        "jobs, search for a name": f"{jobs}?q=member7",
        "jobs, search for an error": f"{jobs}?q=deadline",
        "jobs, search in vain": f"{jobs}?q=nothing",
        "one job": reverse("admin:jobs_job_change", args=[last.pk]),
        "dashboard": reverse("admin:index"),
        "metrics": "/metrics",
        "photos": reverse("admin:jobs_asset_changelist"),
        "owners": reverse("admin:jobs_owner_changelist"),
    }
    print(f"{Job.objects.count():,} jobs, {connection.vendor}; goal {GOAL_MILLISECONDS} ms")
    time_pages(client, pages)


def time_pages(client: Any, pages: Mapping[str, str], most_queries: int = 0) -> None:
    """Print what each page takes, and how many queries it makes; where a limit is given, no page makes more."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for name, address in pages.items():
        walls, cpus = [], []
        for _ in range(REPEATS):
            wall, cpu = time.perf_counter(), time.process_time()
            response = client.get(address)
            walls.append(1000 * (time.perf_counter() - wall))
            cpus.append(1000 * (time.process_time() - cpu))
            assert response.status_code == 200, (address, response.status_code)
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        assert not most_queries or len(queries) <= most_queries, (address, len(queries))
        mark = "" if statistics.median(walls) < GOAL_MILLISECONDS else "  over the goal"
        print(
            f"{name:28} {statistics.median(walls):6.0f} ms, of the CPU {statistics.median(cpus):6.0f} ms, "
            f"{len(queries)} queries{mark}"
        )


if __name__ == "__main__":
    main()
