"""Reads the database and the files of a site at rest, and says what was lost, doubled, stuck or left behind.

`python -m tests.faults.checker ACCEPTED.json`, the ids of the jobs that the site has promised; prints JSON.
"""

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

FINAL = ("succeeded", "failed", "cancelled")


def report(accepted: Iterable[str]) -> dict[str, list[str]]:
    """Findings by kind, each naming a job or a file; all empty where all is well."""
    from django.conf import settings

    from jobs.models import Job, Output, Photo, Turn

    jobs = {str(job.uuid): job for job in Job.objects.prefetch_related("events", "outputs")}
    media = Path(settings.MEDIA_ROOT)
    rows = dict(Output.objects.values_list("file", "sha256")) | dict(
        Photo.objects.values_list("file", "sha256")
    )
    files = {
        str(path.relative_to(media)): path
        for folder in ("outputs", "photos")
        for path in (media / folder).rglob("*")
        if path.is_file()
    }
    temporary = [*(settings.HOME / "scratch").glob("*"), *(settings.HOME / "uploading").glob("*")]
    return {
        "lost": [uuid for uuid in accepted if uuid not in jobs],
        "stuck": [uuid for uuid, job in jobs.items() if job.status not in FINAL],
        "ended twice": [
            uuid for uuid, job in jobs.items() if job.status in FINAL and _ends(job) != [job.status]
        ],
        "doubled": [uuid for uuid, job in jobs.items() if _doubled(job)],
        "miscounted": [str(turn) for turn in Turn.objects.exclude(waiting=0)],
        "orphaned files": [name for name in files if name not in rows],
        "missing files": [name for name in rows if name not in files],
        "damaged files": [
            name for name, path in files.items() if name in rows and _digest(path) != rows[name]
        ],
        "left behind": [path.name for path in temporary],
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


def _ends(job: object) -> list[str]:
    return [event.status for event in job.events.all() if event.status in FINAL]  # type: ignore[attr-defined]


def _doubled(job: object) -> bool:
    """More than one set of outputs, those of another attempt, or any where there should be none."""
    outputs = [(output.position, output.attempt) for output in job.outputs.all()]  # type: ignore[attr-defined]
    if job.status != "succeeded":  # type: ignore[attr-defined]
        return bool(outputs)
    return not outputs or outputs != [(place, job.attempt) for place in range(len(outputs))]  # type: ignore[attr-defined]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    import django

    django.setup()
    promised = json.loads(Path(sys.argv[1]).read_text())
    print(json.dumps({"findings": report(promised), "statuses": statuses()}))
