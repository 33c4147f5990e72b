"""`python -m tests.scale`: ends with 1 where something does not hold, or where CI wants it and it cannot be tried."""

import os
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from tests.scale.machines import Apart, CannotPlay  # noqa: E402
from tests.scale.site import Site  # noqa: E402
from tests.scale.story import Story  # noqa: E402

signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the network is taken down
began = time.monotonic()
try:
    with ExitStack() as undo:
        folder = undo.enter_context(
            tempfile.TemporaryDirectory(prefix="latent-scale-", ignore_cleanup_errors=True)
        )
        site = Site(Path(folder), undo.enter_context(Apart()), undo)
        story = Story(site)
        try:
            story.run()
        except BaseException:
            print(site.logs())
            raise
except CannotPlay as why:
    print(why)
    sys.exit(os.environ.get("CI") == "true")
print(f"{len(story.told)} of {len(story.told)} hold, in {time.monotonic() - began:.0f} s")
