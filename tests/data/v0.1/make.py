"""Makes the site of version 0.1 that `tests.test_migrating` migrates: the same bytes whenever it is run.

To be run in the root of a checkout of commit d07cb69, whose code it imports, on a machine with PostgreSQL:
`.venv/bin/python PATH/TO/make.py`. Writes beside itself `sqlite.sql`, `postgresql.sql`, `media/`, and `site.json`:
what that version's API said of it all, and the secrets by which it can be asked again.
"""

import io
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from uuid import UUID

sys.path.insert(0, os.getcwd())

if TYPE_CHECKING:
    from jobs.lifecycle import Claim

    from jobs.models import Job, Owner, Photo

HERE = Path(__file__).parent
SECRET_KEY = "the secret of a site of version 0.1"
TOKEN = "latent_of-version-0.1"
PASSWORD = "a password of version 0.1"
SIZE = (48, 32)
FAR_AWAY = datetime(2200, 1, 1, tzinfo=UTC)


class Clock:
    """Of a site that lives without a machine's clock: a second goes by between one look and the next."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 10, 12, tzinfo=UTC)

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now

    def sql(self, _compiler: object, connection: Any, **_: object) -> tuple[str, list[Any]]:
        """What the database takes for now."""
        return "%s", [connection.ops.adapt_datetimefield_value(self.now())]


@contextmanager
def without_chance() -> Iterator[Clock]:
    """Names, secrets and times are drawn in a fixed order. To be entered before Django is imported."""
    drawn, clock = random.Random(1), Clock()
    with (
        patch("uuid.uuid4", lambda: UUID(int=drawn.getrandbits(128), version=4)),
        patch("secrets.token_urlsafe", lambda count=32: f"{drawn.getrandbits(256):064x}"[:43]),
        patch("secrets.choice", drawn.choice),
    ):
        import django.core.signing
        import django.utils.timezone

        with (
            patch.object(django.utils.timezone, "now", clock.now),
            patch.object(django.core.signing, "time", SimpleNamespace(time=lambda: clock.now().timestamp())),
        ):
            yield clock


def make(home: Path, database_url: str = "") -> dict[str, Any]:
    """The site, its files in `home`; returns what `site.json` says of it."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "webapp.settings",
        "LATENT_HOME": str(home),
        "DATABASE_URL": database_url,
        "REDIS_URL": f"unix://{home}/no-redis.sock",
        "SECRET_KEY": SECRET_KEY,
        "KEEP_DAYS": "36500",  # so that what it says of its end holds, whenever it is asked again
        "RENEW_SECONDS": "3600",  # no run lasts so long, so that none looks at the clock by itself
        "MIN_FREE_MEGABYTES": "0",
        "LOG_LEVEL": "ERROR",
        "CUDA_VISIBLE_DEVICES": "",
    }
    with without_chance() as clock:
        import django
        from django.core.management import call_command
        from django.db import connection
        from django.db.models.functions import Now

        django.setup()
        call_command("migrate", verbosity=0)
        # PostgreSQL's own clock is not asked either.
        connection.features.supports_default_keyword_in_insert = False
        connection.features.supports_default_keyword_in_bulk_insert = False
        with (
            patch.multiple(Now, as_sql=clock.sql, as_sqlite=clock.sql, as_postgresql=clock.sql),
            patch("jobs.queues.announce", lambda queue: None),
            patch("jobs.progress.cancel_hinted", lambda job: False),
        ):
            told = Story().told()
        connection.close()
    return told


class Story:
    """What Alice, a visitor and Ada did on the site, told by the product's own functions where there is one."""

    def __init__(self) -> None:
        from django.conf import settings
        from django.contrib.auth.models import User
        from django.contrib.sessions.models import Session
        from django.test import Client

        from jobs.access import owner_of_user
        from jobs.models import ApiToken, Owner

        settings.ALLOWED_HOSTS.append("testserver")
        self.jobs: dict[str, Job] = {}
        User.objects.create_superuser("ada", password=PASSWORD)
        member = User.objects.create_user("alice", password=PASSWORD)
        ApiToken.objects.create(user=member, name="script", digest=ApiToken.digest_of(TOKEN))
        self.alice = owner_of_user(member)
        self.browsers = {"alice": Client(), "visitor": Client()}
        self.browsers["alice"].force_login(member)
        self.browsers["visitor"].post("/photos", {"file": uploaded("beach.png", png(scene(7)))})
        self.visitor = Owner.objects.get(user=None)
        Session.objects.update(expire_date=FAR_AWAY)

        self.photos = {
            "print": receive(self.alice, "print.jpg", cmyk_jpeg()),
            "garden": receive(self.alice, "garden.png", png(scene(1))),
            "dance": receive(self.alice, "dance.gif", animation()),
            "walk": receive(self.alice, "walk.mp4", film()),
            "pets": receive(self.alice, "pets.zip", album()),
        }
        self._results()
        self._failures()
        self._unfinished()

    def _results(self) -> None:
        from jobs.retention import delete_photo

        from jobs.access import revoke, share
        from jobs.models import Job, ShareLink

        rotated = self.run("rotated", "transform", {"action": "rotate", "angle": 15}, image="print")
        Job.objects.filter(pk=rotated.pk).update(kept=True)  # as the page does
        rotated.refresh_from_db()
        links = {
            "live": share(rotated, expires_in=None, recipe=True),
            "long": share(rotated, expires_in=timedelta(days=36500), original=False),
            "expired": share(rotated, expires_in=timedelta(seconds=60)),
            "revoked": share(rotated, expires_in=None),
        }
        revoke(ShareLink.objects.filter(pk=links["revoked"].pk))
        self.links = {name: link.token for name, link in links.items()}

        self.run("denoised", "denoise", {"method": "median"}, image="garden", reference="garden")
        trained = self.run("trained", "train-classifier", {"variants": 0}, archive="pets")
        model = trained.outputs.get(media_type="application/x-safetensors")
        self.browsers["alice"].post(f"/jobs/{trained.uuid}/use", {"output": str(model.id)})
        self.photos["model"] = self.alice.photos.get(kind="model")
        self.run("classified", "classify", {"method": "own"}, image="garden", model="model")

        self.photos["regretted"] = receive(self.alice, "regretted.png", png(scene(3)))
        self.run("of a photo that is gone", "transform", {"action": "flip"}, image="regretted")
        delete_photo(self.photos.pop("regretted"))

        sample = receive(None, "sample.png", png(scene(4)))
        self.run("sample", "transform", {"action": "flip"}, owner=None, image=sample)

    def _failures(self) -> None:
        """And what was cancelled."""
        from jobs.retention import delete_photo

        from jobs import lifecycle

        self.photos["lost"] = receive(self.alice, "lost.png", png(scene(5)))
        self.submit("failed without its photo", "transform", image="lost")
        delete_photo(self.photos.pop("lost"))
        run(claim())
        self.submit("failed at its deadline", "transform", image="garden")
        held = claim()
        lifecycle.fail(held, "deadline", lifecycle.deadline_sentence(held.job))
        self.submit("failed as its worker was lost", "transform", image="garden")
        for _ in range(lifecycle.MOST_LOSSES):
            lifecycle.lose(claim().job)

        lifecycle.cancel(self.submit("cancelled as it waited", "transform", image="garden"))
        self.submit("cancelled as it ran", "transform", image="garden")
        held = claim()
        lifecycle.cancel(held.job)
        lifecycle.stop(held)

    def _unfinished(self) -> None:
        """Last, since whoever claims takes what waits."""
        from jobs import lifecycle

        self.submit("running", "add-noise", {"sigma": 40}, image="garden")
        claim()
        self.submit("running, to be cancelled", "transform", image="garden")
        lifecycle.cancel(claim().job)
        self.submit("queued again", "transform", {"action": "flip"}, image="garden")
        lifecycle.hand_back(claim())
        self.submit("queued", "transform", {"action": "crop", "width": 20}, image="garden", key="a key")
        self.submit("a visitor's", "transform", owner=self.visitor, image=self.visitor.photos.get())

    def run(self, name: str, slug: str, params: dict[str, Any] | None = None, **asked: Any) -> "Job":
        """A job that has been run to its end."""
        job = self.submit(name, slug, params, **asked)
        run(claim())
        job.refresh_from_db()
        assert job.status == "succeeded", job.error_message
        return job

    def submit(
        self,
        name: str,
        slug: str,
        params: dict[str, Any] | None = None,
        *,
        owner: "Owner | str | None" = "alice",
        key: str | None = None,
        **photos: "str | Photo",
    ) -> "Job":
        from jobs import lifecycle

        inputs = {
            slot: [self.photos[photo] if isinstance(photo, str) else photo] for slot, photo in photos.items()
        }
        job = lifecycle.submit(
            self.alice if owner == "alice" else owner,  # type: ignore[arg-type]
            slug, params or {}, inputs, seed=1, idempotency_key=key, sample=owner is None,
        )  # fmt: skip
        self.jobs[name] = job
        return job

    def told(self) -> dict[str, Any]:
        """By name, what the API says; what stands in no answer, from the rows."""
        return {
            "secret_key": SECRET_KEY,
            "token": TOKEN,
            "password": PASSWORD,
            "sessions": {name: browser.cookies["sessionid"].value for name, browser in self.browsers.items()},
            "links": self.links,
            "photos": {name: self._answer(f"photos/{photo.id}") for name, photo in self.photos.items()},
            "jobs": {name: self._answer(f"jobs/{job.uuid}", job.owner) for name, job in self.jobs.items()},
            "timelines": {
                name: [[event.status, event.detail] for event in job.events.all()]
                for name, job in self.jobs.items()
            },
            "admins_pages": {name: f"/admin/jobs/job/{job.pk}/change/" for name, job in self.jobs.items()},
        }

    def _answer(self, path: str, owner: "Owner | None" = None) -> dict[str, Any]:
        browser = self.browsers["visitor" if owner == self.visitor else "alice"]
        response = browser.get(f"/api/v1/{path}")
        assert response.status_code == 200, response.content
        return dict(response.json())


def claim() -> "Claim":
    """Take the only job that waits."""
    from jobs import lifecycle

    taken = lifecycle.claim("cpu", worker="celery@old", pid=4711, task_id="a-task")
    assert taken
    return taken


def run(held: "Claim") -> None:
    """Run it as a worker's child does, in what passes for half a second."""
    from jobs import runner
    from jobs.models import Job

    runner.run(held)
    Job.objects.filter(pk=held.job.pk, run_seconds__isnull=False).update(run_seconds=0.5)


def receive(owner: "Owner | None", name: str, content: bytes) -> "Photo":
    from jobs.uploads import receive

    return receive(owner, uploaded(name, content))


def uploaded(name: str, content: bytes) -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile(name, content)


# Pictures ------------------------------------------------------------------------------------------------


def scene(seed: int, color: tuple[int, int, int] = (60, 120, 180)) -> Any:
    """A soft colour with some structure."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(seed)
    coarse = np.clip(np.array(color) + rng.normal(0, 40, (4, 6, 3)), 0, 255).astype(np.uint8)
    return Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC)


def saved(image: Any, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


png = partial(saved, file_format="PNG")


def cmyk_jpeg() -> bytes:
    """Of which the site notes that it has been converted."""
    return saved(scene(2).convert("CMYK"), "JPEG", quality=90)


def animation() -> bytes:
    frames = [scene(seed) for seed in (10, 11, 12)]
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100, loop=0)


def film() -> bytes:
    from tests.ml.films import film

    with tempfile.TemporaryDirectory() as folder:
        return film(Path(folder) / "walk.mp4", count=4).read_bytes()


def album() -> bytes:
    """A ZIP archive with ten photos each of two kinds."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for kind, color in {"cats": (200, 120, 40), "dogs": (40, 90, 200)}.items():
            for number in range(10):
                archive.writestr(zipfile.ZipInfo(f"{kind}/{number}.jpg"), saved(scene(number, color), "JPEG"))
    return buffer.getvalue()


# Keeping it ----------------------------------------------------------------------------------------------


def sqlite_dump(home: Path) -> str:
    with closing(sqlite3.connect(home / "latent.sqlite3")) as connection:
        return "\n".join(connection.iterdump()) + "\n"


def postgresql_dump(url: str) -> str:
    """Without what its programs say of themselves, psql's own commands among it."""
    found = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin/pg_dump"))) or ["pg_dump"]
    command = [found[-1], "--inserts", "--no-owner", url]
    dump = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    said = re.compile(r"^(--.*|\\(un)?restrict .*)?\n", re.MULTILINE)
    return said.sub("", dump)


def files(home: Path) -> dict[Path, bytes]:
    return {path.relative_to(home): path.read_bytes() for path in home.rglob("media/**/*") if path.is_file()}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DJANGO_SETTINGS_MODULE": "webapp.settings", "LATENT_HOME": folder}
        import django

        django.setup()
        from tests.faults.machine import Postgres

        server = Postgres()
        try:
            homes = {"": Path(folder) / "sqlite", server.url: Path(folder) / "postgresql"}
            told = [
                subprocess.run(
                    [sys.executable, __file__, home, url], stdout=subprocess.PIPE, text=True, check=True
                ).stdout
                for url, home in homes.items()
            ]
            one, other = homes.values()
            assert told[0] == told[1], "the two databases tell two stories"
            assert files(one) == files(other), "the two sites have two sets of files"
            (HERE / "sqlite.sql").write_text(sqlite_dump(homes[""]))
            (HERE / "postgresql.sql").write_text(postgresql_dump(server.url))
            (HERE / "site.json").write_text(told[0])
            shutil.rmtree(HERE / "media", ignore_errors=True)
            shutil.copytree(one / "media", HERE / "media")
        finally:
            server.close()


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps(make(Path(sys.argv[1]), sys.argv[2]), indent=1, sort_keys=True, ensure_ascii=False))
    else:
        main()
