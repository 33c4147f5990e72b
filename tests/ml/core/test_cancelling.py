"""Whatever works in steps asks so often whether it must end that a cancel is heard within a second."""

import time
from pathlib import Path
from typing import Any

import pytest
import skimage.data

from ml.core.context import Context
from ml.core.errors import Cancelled
from ml.core.images import Picture
from tests.ml.running import develop

RUNS_SECONDS = 1.0
"""Before it is cancelled; of the run's own time, so that others on the machine do not count."""


class Impatient(Context):
    """Cancels after a while, and keeps how long it once had to wait to be asked, in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = self.asked = time.thread_time()
        self.longest = 0.0

    def cancel_requested(self) -> bool:
        now = time.thread_time()
        self.longest = max(self.longest, now - self.asked)
        self.asked = now
        return now - self.begun > RUNS_SECONDS


@pytest.mark.parametrize(
    ("slug", "params"),
    [
        ("deep-dream", {"octaves": 1}),
        ("style-transfer", {"method": "gatys"}),
        ("style-transfer", {"method": "fast"}),
        ("style-transfer", {"method": "arbitrary"}),
        ("gan-sample", {"count": 144}),
        ("vae-sample", {"action": "manifold", "side": 40}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(map(str, value.values())),
)
def test_a_cancel_is_heard_within_a_second(tmp_path: Path, slug: str, params: dict[str, Any]) -> None:
    photo = skimage.data.astronaut().repeat(2, axis=0).repeat(2, axis=1)
    pictures = {} if slug.endswith("-sample") else {"image": Picture(photo)}
    context = Impatient()
    context.check_cancelled()
    try:
        develop(slug, tmp_path, pictures, params, context)
    except Cancelled:
        ended = "cancelled"
    else:
        ended = "done"
        context.cancel_requested()
    print(f"{slug} {params}: {ended}, asked at least every {context.longest:.2f} s")
    assert context.longest < 1
