"""What an upload costs where it is decoded in a child, what a bomb costs, and what the web processes hold.

python -m benchmarks.uploads
"""

import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from unittest.mock import patch

os.environ |= {"DJANGO_SETTINGS_MODULE": "tests.settings", "LOG_LEVEL": "WARNING"}

import django

django.setup()

import psutil  # noqa: E402
import requests  # noqa: E402
from django.core.files.uploadedfile import SimpleUploadedFile  # noqa: E402
from django.core.management import call_command  # noqa: E402

from benchmarks import report  # noqa: E402
from benchmarks.memory import noisy_photo  # noqa: E402
from jobs.errors import Refused  # noqa: E402
from jobs.intake import decoding, receive, sandbox  # noqa: E402
from jobs.models import Owner  # noqa: E402
from tests.jobs import hostile  # noqa: E402
from tests.settings import TEST_HOME  # noqa: E402
from tests.site import Site, free_port  # noqa: E402

COMMAND = "python -m benchmarks.uploads"
BOMBS = (
    hostile.chunk_flood,
    hostile.scan_bomb,
    hostile.jpeg_of_fill,
    hostile.gif_of_controls,
    hostile.gif_flood,
    hostile.tiff_giant_tile,
    hostile.tiff_of_strips,
    hostile.gif_giant_frame,
    hostile.gif_giant_first_frame,
    hostile.idat_bomb,
    hostile.text_bomb,
    hostile.gif_of_nothing,
)
PAIRS = 15
UPLOADS = 20


def main() -> None:
    call_command("migrate", verbosity=0)
    owner = Owner.objects.create()
    large = hostile.encode(noisy_photo(4000, 3000).to_pillow(), "JPEG", quality=90)
    files = {
        "JPEG of 12 megapixels": large,
        "PNG of 48 × 32 pixels": hostile.encode(hostile.picture(), "PNG"),
    }
    for content in files.values():
        _receive(owner, content)  # starts the forker, and loads the decoders here
    _write_pairs(owner, files)
    _write_bombs(owner)
    shutil.rmtree(TEST_HOME)
    _write_memory(large)


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock and of the processor, for an upload, and what became of it."""

    clock: float
    processor: float
    became: str


def _receive(owner: Owner, content: bytes) -> Spent:
    clock, processor, became = time.perf_counter(), _processor_seconds(), "a photo"
    try:
        receive.receive(owner, SimpleUploadedFile("photo", content))
    except Refused as refusal:
        became = refusal.code
    clock = time.perf_counter() - clock
    return Spent(clock, _processor_seconds() - processor, became)


def _processor_seconds() -> float:
    """Of this process, and of the forker and its children, which the kernel counts in hundredths."""
    while sandbox.forker.pid and psutil.Process(sandbox.forker.pid).children():
        time.sleep(0.001)  # a child's are known when it has ended
    theirs = sum(psutil.Process(sandbox.forker.pid).cpu_times()[:4]) if sandbox.forker.pid else 0.0
    return time.process_time() + theirs


def _write_pairs(owner: Owner, files: dict[str, bytes]) -> None:
    rows: list[tuple[str, ...]] = [("", "in the web process", "in a child", "ratio", "of the processor")]
    for name, content in files.items():
        here, there = [], []
        for _ in range(PAIRS):
            with patch.object(sandbox, "ask", decoding.decode):
                here.append(_receive(owner, content))
            there.append(_receive(owner, content))
        shown = [f"{1000 * median(one.clock for one in spent):.0f} ms" for spent in (here, there)]
        ratio = median(child.clock / own.clock for own, child in zip(here, there, strict=True))
        work = sum(child.processor for child in there) / sum(own.processor for own in here)
        rows.append((name, *shown, f"{ratio:.2f}", f"{work:.2f} times"))
    text = (
        f"{report.table(rows)}\n\nMedians of {PAIRS} pairs, one after the other, from the file to the stored photo; "
        "the ratio is the median of those of the pairs, that of the processor's time one of sums."
    )
    report.write("An upload that is decoded in a child", COMMAND, text)


def _write_bombs(owner: Owner) -> None:
    rows: list[tuple[str, ...]] = [("", "KB", "what became of it", "of the processor")]
    for bomb in BOMBS:
        content = bomb()
        spent = _receive(owner, content)
        kilobytes, milliseconds = f"{len(content) / 1000:,.0f}", f"{1000 * spent.processor:.0f} ms"
        rows.append((bomb.__name__, kilobytes, spent.became, milliseconds))
    report.write("Bombs among the uploads", COMMAND, report.table(rows))


def _write_memory(large: bytes) -> None:
    """Of a whole site, as `make run` starts it."""
    rows: list[tuple[str, ...]] = [("", "a web process", "its forker")]
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder) / "home", free_port(), SAMPLE_JOBS="0", LOG_LEVEL="WARNING")
        try:
            site.wait_until_ready(180)
            rows.append(("when the site is ready", *_megabytes(site)))
            token = site.python("manage.py", "create_token", "somebody").splitlines()[-1]
            for _ in range(UPLOADS):
                answer = requests.post(
                    f"{site.url}/api/v1/photos",
                    files={"file": ("photo.jpg", large)},
                    headers={"Authorization": f"Bearer {token}"},
                    timeout=60,
                )
                assert answer.status_code == 201, answer.text
            rows.append((f"after {UPLOADS} uploads of 12 megapixels", *_megabytes(site)))
        finally:
            site.end()
    text = (
        f"{report.table(rows)}\n\nResident memory of the larger one of two; what they share counts in each."
    )
    report.write("What the web processes hold", COMMAND, text)


def _megabytes(site: Site) -> tuple[str, str]:
    server = site.child("web")
    assert server
    webs = server.children()
    forkers = [child for web in webs for child in web.children()]
    first, second = (
        f"{max((process.memory_info().rss for process in family), default=0) / 1e6:.0f} MB"
        for family in (webs, forkers)
    )
    return first, second


if __name__ == "__main__":
    main()
