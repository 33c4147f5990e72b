"""A site of version 0.1, kept in `tests/data/v0.1`, is brought up to date and goes on.

Told from without, as its people see it: over HTTP, from what `manage.py up` makes of the old database and files.
"""

import hashlib
import html
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import requests

from tests.conftest import postgres_server
from tests.site import Site, environment, free_port
from tests.support import wait_for
from webapp.config import BASE_DIR

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

DATA = Path(__file__).parent / "data" / "v0.1"
THEN: dict[str, Any] = json.loads((DATA / "site.json").read_text())
"""What version 0.1 said of its site."""
JOBS: dict[str, dict[str, Any]] = THEN["jobs"]
PATH = {name: f"/api/v1/jobs/{job['id']}" for name, job in JOBS.items()}
ENDED = {name: job for name, job in JOBS.items() if job["finished_at"]}
GOES_ON = {
    "queued": ("succeeded", 1),
    "queued again": ("succeeded", 2),
    "running": ("succeeded", 2),
    "running, to be cancelled": ("cancelled", 1),
}
"""What becomes of Alice's other jobs, in which attempt: the leases of those that ran have ended long ago."""
STATUSES = """
import json
from django.apps import apps
print(json.dumps({str(job.uuid): job.status for job in apps.get_model("jobs", "Job").objects.all()}))
"""


@dataclass(frozen=True)
class OldSite:
    """A database and a folder of files; `variables` are the settings by which they are found and read."""

    home: Path
    variables: dict[str, str]

    def manage(self, *arguments: str) -> str:
        """What a command of today's says on it."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE_DIR,
            env=environment(self.home, free_port()) | self.variables,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


class Visit:
    """Somebody at a running site: by token, by the session of a browser, or a stranger."""

    def __init__(self, site: Site, *, token: str = "", session: str = "") -> None:
        self._url = site.url
        self._http = requests.Session()
        if token:
            self._http.headers["Authorization"] = f"Bearer {token}"
        if session:
            self._http.cookies["sessionid"] = session

    def ask(self, method: str, path: str, **sent: Any) -> requests.Response:
        return self._http.request(method, f"{self._url}{path}", timeout=60, **sent)

    def get(self, path: str) -> requests.Response:
        return self.ask("GET", path)

    def job(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.get(path).json()
        return answer

    def ended(self, path: str) -> dict[str, Any]:
        """A job, once it has ended."""
        wait_for(lambda: self.job(path)["finished_at"], 240)
        return self.job(path)

    def log_in(self, name: str) -> None:
        self.get("/login")
        known = {"username": name, "password": THEN["password"]}
        self.ask("POST", "/login", data=known | {"csrfmiddlewaretoken": self._http.cookies["csrftoken"]})


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def old_site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OldSite]:
    home = tmp_path_factory.mktemp("old") / "home"
    shutil.copytree(DATA / "media", home / "media")
    # Kept for so long, that the cleaner finds nothing that is past its time.
    variables = {"SECRET_KEY": THEN["secret_key"], "KEEP_DAYS": "36500", "SAMPLE_JOBS": "0"}
    dump = (DATA / f"{request.param}.sql").read_text()
    with ExitStack() as undo:
        if request.param == "sqlite":
            with closing(sqlite3.connect(home / "latent.sqlite3")) as database:
                database.executescript(dump)
        else:
            server = postgres_server()
            undo.callback(server.close)
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute(dump)
            variables["DATABASE_URL"] = server.url
        yield OldSite(home, variables)


@pytest.fixture(scope="module")
def migrated(old_site: OldSite) -> dict[str, str]:
    """The status of each job after the migration, before anything else has happened."""
    old_site.manage("migrate", "--no-input")
    statuses: dict[str, str] = json.loads(
        old_site.manage("shell", "-v", "0", "-c", STATUSES).splitlines()[-1]
    )
    return statuses


@pytest.fixture(scope="module")
def site(old_site: OldSite, migrated: dict[str, str]) -> Iterator[Site]:
    site = Site(old_site.home, free_port(), **old_site.variables)
    try:
        site.wait_until_ready(240)
        yield site
    finally:
        site.end()
        print(site.said())


@pytest.fixture
def alice(site: Site) -> Visit:
    """By the token that she made then."""
    return Visit(site, token=THEN["token"])


@pytest.fixture
def ada(site: Site) -> Visit:
    """An admin, with the password of then."""
    ada = Visit(site)
    ada.log_in("ada")
    return ada


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def path_of(address: str) -> str:
    return urlsplit(address).path


def says(now: Any, then: Any) -> bool:
    """Whether an answer says all that it said then; it may say more."""
    if isinstance(then, dict):
        return isinstance(now, dict) and all(key in now and says(now[key], then[key]) for key in then)
    if isinstance(then, list):
        return isinstance(now, list) and len(now) == len(then) and all(map(says, now, then))
    if isinstance(then, str) and then.startswith("http://testserver/"):
        return path_of(now) == path_of(then)
    return bool(now == then)


def text_of(page: requests.Response) -> str:
    assert page.status_code == 200
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page.text)).split())


def test_every_job_is_there_with_its_status(migrated: dict[str, str]) -> None:
    assert migrated == {job["id"]: job["status"] for job in JOBS.values()}


@pytest.mark.parametrize("name", ENDED)
def test_the_api_says_of_what_had_ended_what_it_said(alice: Visit, name: str) -> None:
    now = alice.job(PATH[name])
    assert says(now, ENDED[name]), now


@pytest.mark.parametrize("name", THEN["photos"])
def test_a_photo_is_described_and_downloaded_as_it_was(alice: Visit, name: str) -> None:
    then = THEN["photos"][name]
    now = alice.job(f"/api/v1/photos/{then['id']}")
    assert says(now, then), now
    assert digest(alice.get(path_of(then["url"])).content) == then["sha256"]


def test_every_result_is_downloaded_as_it_was(alice: Visit) -> None:
    outputs = [output for job in ENDED.values() for output in job["outputs"]]
    found = {output["id"]: digest(alice.get(path_of(output["url"])).content) for output in outputs}
    assert found == {output["id"]: output["sha256"] for output in outputs}
    assert len(found) > 5


def test_every_result_is_a_version_of_its_photo(alice: Visit) -> None:
    for job in ENDED.values():
        photos = [photo for ids in job["inputs"].values() for photo in ids]
        for output in job["outputs"]:
            said = alice.job(f"/api/v1/photos/{output['id']}")
            gone = not photos or photos[0] is None
            assert said["original"] == (output["id"] if gone else photos[0])
            assert said["made_by"] == job["id"]
    assert alice.get(f"/library/{THEN['photos']['garden']['id']}").status_code == 200


def test_a_copy_of_a_sqlite_database_lies_beside_it(old_site: OldSite, migrated: dict[str, str]) -> None:
    kept = old_site.home / "latent-before-assets.sqlite3"
    if "DATABASE_URL" in old_site.variables:
        assert not kept.exists()
        return
    with closing(sqlite3.connect(kept)) as database:
        assert database.execute("SELECT count(*) FROM jobs_photo").fetchone()[0]


def test_nothing_is_migrated_while_a_worker_lives(tmp_path: Path) -> None:
    site = OldSite(tmp_path, {"SECRET_KEY": THEN["secret_key"]})
    with closing(sqlite3.connect(tmp_path / "latent.sqlite3")) as database:
        database.executescript((DATA / "sqlite.sql").read_text())
        database.execute("UPDATE jobs_job SET lease_expires_at = '2999-01-01' WHERE status = 'running'")
        database.commit()
    with pytest.raises(AssertionError, match="Stop the workers") as refused:
        site.manage("migrate", "--no-input")
    assert "Traceback" not in str(refused.value)
    with closing(sqlite3.connect(tmp_path / "latent.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM jobs_output").fetchone()[0]


def test_a_live_link_shows_what_it_showed(site: Site) -> None:
    stranger = Visit(site)
    (output,) = JOBS["rotated"]["outputs"]
    (photo,) = JOBS["rotated"]["inputs"]["image"]
    for name, original in (("live", 200), ("long", 404)):
        link = f"/s/{THEN['links'][name]}"
        assert output["id"] in stranger.get(link).text
        assert digest(stranger.get(f"{link}/outputs/{output['id']}").content) == output["sha256"]
        assert stranger.get(f"{link}/photos/{photo}").status_code == original


@pytest.mark.parametrize("name", ["expired", "revoked"])
def test_a_dead_link_stays_dead(site: Site, name: str) -> None:
    link = f"/s/{THEN['links'][name]}"
    (output,) = JOBS["rotated"]["outputs"]
    stranger = Visit(site)
    assert stranger.get(link).status_code == 404
    assert stranger.get(f"{link}/outputs/{output['id']}").status_code == 404


def test_a_stranger_sees_the_sample_and_nothing_else(site: Site) -> None:
    stranger = Visit(site)
    for name, job in ENDED.items():
        status = 200 if name == "sample" else 404
        assert stranger.get(f"/jobs/{job['id']}").status_code == status
        for output in job["outputs"]:
            assert stranger.get(path_of(output["url"])).status_code == status


def test_who_was_logged_in_still_is(site: Site) -> None:
    alice = Visit(site, session=THEN["sessions"]["alice"])
    gallery = alice.get("/library/jobs").text
    mine = JOBS.keys() - {"sample", "a visitor's"}
    assert {name for name, job in JOBS.items() if job["id"] in gallery} == mine


def test_a_visitors_browser_still_knows_its_job(site: Site) -> None:
    visitor = Visit(site, session=THEN["sessions"]["visitor"])
    now = visitor.ended(PATH["a visitor's"])
    assert (now["status"], now["attempt"]) == ("succeeded", 1)
    assert text_of(visitor.get(f"/jobs/{now['id']}"))


@pytest.mark.parametrize("name", GOES_ON)
def test_what_waited_or_ran_comes_to_its_end(alice: Visit, name: str) -> None:
    now = alice.ended(PATH[name])
    assert (now["status"], now["attempt"]) == GOES_ON[name]
    asked = ("id", "operation", "params", "seed", "inputs", "created_at")
    assert says(now, {key: JOBS[name][key] for key in asked})
    for output in now["outputs"]:
        assert digest(alice.get(path_of(output["url"])).content) == output["sha256"]
    assert bool(now["outputs"]) == (now["status"] == "succeeded")


@pytest.mark.parametrize("name", [name for name, job in JOBS.items() if job["error"]])
def test_an_old_error_can_be_read_on_the_page_and_by_the_admin(site: Site, ada: Visit, name: str) -> None:
    alice = Visit(site, session=THEN["sessions"]["alice"])
    sentence = JOBS[name]["error"]["message"]
    assert sentence in text_of(alice.get(f"/jobs/{JOBS[name]['id']}"))
    assert sentence in text_of(ada.get(THEN["admins_pages"][name]))


def test_old_events_can_be_read_by_the_admin(ada: Visit) -> None:
    for name, timeline in THEN["timelines"].items():
        page = text_of(ada.get(THEN["admins_pages"][name]))
        for _status, detail in timeline:
            assert detail in page


def test_events_of_before_count_as_delivered(old_site: OldSite, migrated: dict[str, str]) -> None:
    asked = (
        "from jobs.models import JobEvent; old = JobEvent.objects.filter(snapshot={}); "
        "print(old.filter(delivered_at=None).count(), old.exists())"
    )
    assert old_site.manage("shell", "-v", "0", "-c", asked).splitlines()[-1] == "0 True"


def test_the_note_of_a_photo_can_be_read_on_its_jobs_page(site: Site) -> None:
    alice = Visit(site, session=THEN["sessions"]["alice"])
    assert THEN["photos"]["print"]["note"] in text_of(alice.get(f"/jobs/{JOBS['rotated']['id']}"))


# What changes the site comes last ------------------------------------------------------------------------


def test_the_same_request_still_makes_one_job(alice: Visit) -> None:
    then = JOBS["queued"]
    asked = {"operation": "transform", "params": {"action": "crop", "width": 20}, "seed": 1}
    again = alice.ask(
        "POST",
        "/api/v1/jobs",
        json=asked | {"inputs": then["inputs"]},
        headers={"Idempotency-Key": "a key"},
    )
    assert again.json()["id"] == then["id"]


def test_an_old_photo_goes_into_a_new_job(alice: Visit) -> None:
    asked = {key: JOBS["rotated"][key] for key in ("operation", "params", "inputs", "seed")}
    made = alice.ask("POST", "/api/v1/jobs", json=asked).json()
    now = alice.ended(f"/api/v1/jobs/{made['id']}")
    assert now["status"] == "succeeded"
    assert now["recipe"]["inputs"] == JOBS["rotated"]["recipe"]["inputs"]


def test_what_had_failed_can_be_tried_again(alice: Visit) -> None:
    path = PATH["failed at its deadline"]
    assert alice.ask("POST", f"{path}/retry").status_code == 200
    now = alice.ended(path)
    assert (now["status"], now["attempt"], now["error"]) == ("succeeded", 2, None)


def test_an_old_job_can_be_deleted_with_its_files(alice: Visit, old_site: OldSite) -> None:
    (output,) = JOBS["of a photo that is gone"]["outputs"]
    stored = [
        path
        for path in (old_site.home / "media").rglob("*")
        if path.is_file() and digest(path.read_bytes()) == output["sha256"]
    ]
    assert stored
    assert alice.ask("DELETE", PATH["of a photo that is gone"]).status_code == 204
    assert alice.get(path_of(output["url"])).status_code == 404
    assert not any(path.exists() for path in stored)
