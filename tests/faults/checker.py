"""Reads the database, the files and Redis of a site at rest, and says what was lost, doubled, stuck or left behind.

`python -m tests.faults.checker ANSWERS.json [--sweep]`, the ids of the jobs that the site has promised for each
Idempotency-Key; prints JSON. With --sweep the site's cleaner goes before.
"""

import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from jobs.models import Asset, Batch, Job

FINAL = ("succeeded", "failed", "cancelled")
FORESEEN = ("", "disk_full", "worker_lost", "earlier_step")
"""What a job may fail of when a disk is full, or three of its workers were killed; what waited for it goes with it."""


def report(answers: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Findings by kind, each naming a job, a file or a key; all empty where all is well."""
    from django.conf import settings

    from jobs.models import Asset, Batch, FairShare, Job

    rows = Job.objects.prefetch_related("events", "outputs", "inputs__asset", "inputs__source")
    jobs = {str(job.uuid): job for job in rows}
    batches = {str(batch.pk): batch for batch in Batch.objects.prefetch_related("jobs", "events")}
    made = {job.idempotency_key: uuid for uuid, job in jobs.items() if job.batch_id is None}
    made |= {batch.idempotency_key: pk for pk, batch in batches.items()}
    known = dict(Asset.objects.values_list("file", "sha256"))
    media = Path(settings.MEDIA_ROOT)
    files = {
        str(path.relative_to(media)): path
        for folder in ("outputs", "photos")
        for path in (media / folder).rglob("*")
        if path.is_file()
    }
    temporary = [*(settings.HOME / "scratch").glob("*"), *(settings.HOME / "uploading").glob("*")]
    return {
        "lost": [uuid for promised in answers.values() for uuid in promised if uuid not in {*jobs, *batches}],
        "one request, two jobs": [key for key, promised in answers.items() if {*promised} - {made.get(key)}],
        "never asked for": [uuid for key, uuid in made.items() if key not in answers],
        "stuck": [uuid for uuid, job in jobs.items() if job.status not in FINAL],
        "claimed twice": [uuid for uuid, job in jobs.items() if _claimed_twice(job)],
        "ended twice": [
            uuid for uuid, job in jobs.items() if job.status in FINAL and _ends(job) != [job.status]
        ],
        "doubled": [uuid for uuid, job in jobs.items() if _doubled(job)],
        "mixed up": [uuid for uuid, job in jobs.items() if job.status == "succeeded" and _mixed_up(job)],
        "batches not whole": [pk for pk, batch in batches.items() if not _whole(batch)],
        "batches not ended once": [
            pk for pk, batch in batches.items() if batch.ended_at is None or len(batch.events.all()) != 1
        ],
        "waited for what had ended": [uuid for uuid, job in jobs.items() if _broken_off_without_need(job)],
        "failed without need": [uuid for uuid, job in jobs.items() if job.error_code not in FORESEEN],
        "miscounted": [str(share) for share in FairShare.objects.exclude(waiting=0)],
        "orphaned files": [name for name in files if name not in known],
        "missing files": [name for name in known if name not in files],
        "not where they belong": [str(asset.pk) for asset in _ungrouped()],
        "of another owner": [str(asset.pk) for asset in _misplaced()],
        "damaged files": [
            name for name, path in files.items() if name in known and _digest(path) != known[name]
        ],
        "left in folders": [str(path.relative_to(settings.HOME)) for path in temporary],
        "left in Redis": _left_in_redis(jobs),
    }


def statuses() -> dict[str, int]:
    """How the jobs ended."""
    from jobs.models import Job

    return dict(
        Counter(
            f"{status}: {code}" if code else status
            for status, code in Job.objects.values_list("status", "error_code")
        )
    )


def sweep() -> int:
    """Has the site's own cleaner look as though six hours had gone by; returns how many files it took away.

    Between a file and its row a process can always be killed. Here nothing is under way, so no file is too
    young to be taken for an orphan.
    """
    from jobs.library import retention

    retention.ORPHAN_SECONDS = 0
    return retention.clean()["orphans"]


def _misplaced() -> "QuerySet[Asset]":
    """Results that are not their job's owner's, that no job made, or that descend from somebody else's photo."""
    from django.db.models import F, Q

    from jobs.models import Asset

    theirs = Q(owner=F("made_by__owner")) & (Q(original=None) | Q(original__owner=F("owner")))
    return Asset.objects.made().exclude(theirs)


def _ungrouped() -> "QuerySet[Asset]":
    """What stands for itself although its photo is at hand, or does not although there is none."""
    from django.db.models import Q

    from jobs.models import Asset

    alone = Q(original=None) | Q(original__trashed_at__isnull=False)
    return Asset.objects.filter(alone & Q(alone=False)) | Asset.objects.filter(~alone & Q(alone=True))


def _whole(batch: "Batch") -> bool:
    """Every step for every photo, and nothing more."""
    places = sorted((job.item, job.step) for job in batch.jobs.all())
    photos = {item for item, _step in places}
    return places == [(item, step) for item in sorted(photos) for step in range(len(batch.steps))]


def _broken_off_without_need(job: "Job") -> bool:
    """It was called off although what comes before it succeeded, or ran although that did not."""
    before = next((item.source for item in job.inputs.all() if item.source), None)
    if before is None:
        return False
    called_off, ran = job.error_code == "earlier_step", job.status == "succeeded"
    return called_off if before.status == "succeeded" else ran


def _ends(job: "Job") -> list[str]:
    return [event.status for event in job.events.all() if event.status in FINAL]


def _claimed_twice(job: "Job") -> bool:
    """Two workers had the same attempt."""
    attempts = Counter(event.attempt for event in job.events.all() if event.status == "running")
    return any(count > 1 for count in attempts.values())


def _doubled(job: "Job") -> bool:
    """More than one set of outputs, those of another attempt, or any where there should be none."""
    outputs = [(output.position, output.attempt) for output in job.outputs.all()]
    if job.status != "succeeded":
        return bool(outputs)
    return not outputs or outputs != [(place, job.attempt) for place in range(len(outputs))]


def _mixed_up(job: "Job") -> bool:
    """The result is another job's: its recipe is not of what was asked for, or its files lie elsewhere."""
    inputs: dict[str, list[str]] = {}
    for item in job.inputs.all():
        inputs.setdefault(item.slot, []).append(item.asset.sha256 if item.asset else "")
    asked = {"operation": job.operation, "params": job.params, "seed": job.seed, "inputs": inputs}
    return not (
        job.recipe
        and all(job.recipe[part] == value for part, value in asked.items())
        and all(f"/{job.uuid}/" in output.file.name for output in job.outputs.all())
    )


def _left_in_redis(jobs: Mapping[str, "Job"]) -> list[str]:
    """Hints about a job that is not there, or that stay for ever; and messages that nobody takes."""
    from jobs.queue import redis_client

    client = redis_client.client()
    hints = {key.decode() for key in client.scan_iter("latent:job:*")}
    of_no_job = {hint for hint in hints if re.split(r":", hint)[2] not in jobs}
    for_ever = {hint for hint in hints if client.ttl(hint) < 0}
    messages = {queue for queue in ("cpu", "gpu") if client.llen(queue)}
    return sorted(of_no_job | for_ever | messages)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    import django

    django.setup()
    promised = json.loads(Path(sys.argv[1]).read_text())
    swept = sweep() if "--sweep" in sys.argv else 0
    print(json.dumps({"findings": report(promised), "statuses": statuses(), "swept": swept}))
