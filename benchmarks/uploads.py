"""How long an upload that is a bomb keeps a web server busy: until it is refused, or only its picture kept.

python -m benchmarks.uploads
"""

import os
import shutil
import time

os.environ |= {"DJANGO_SETTINGS_MODULE": "tests.settings", "LOG_LEVEL": "WARNING"}

import django

django.setup()

from django.core.files.uploadedfile import SimpleUploadedFile  # noqa: E402
from django.core.management import call_command  # noqa: E402

from benchmarks import report  # noqa: E402
from jobs.errors import Refused  # noqa: E402
from jobs.intake import receive  # noqa: E402
from jobs.models import Owner  # noqa: E402
from tests.jobs import hostile  # noqa: E402
from tests.settings import TEST_HOME  # noqa: E402

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


def main() -> None:
    call_command("migrate", verbosity=0)
    owner = Owner.objects.create()
    rows: list[tuple[str, ...]] = [("", "KB", "what became of it", "of the processor")]
    for bomb in BOMBS:
        content = bomb()
        begun, became = time.process_time(), "a photo"
        try:
            receive.receive(owner, SimpleUploadedFile("photo", content))
        except Refused as refusal:
            became = refusal.code
        spent = 1000 * (time.process_time() - begun)
        rows.append((bomb.__name__, f"{len(content) / 1000:,.0f}", became, f"{spent:.0f} ms"))
    report.write("Bombs among the uploads", "python -m benchmarks.uploads", report.table(rows))
    shutil.rmtree(TEST_HOME)


if __name__ == "__main__":
    main()
