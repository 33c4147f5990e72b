"""A site of version 0.1 with a thousand photos, results and links: each address that worked works, or leads on."""

import sqlite3
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
import requests

from tests.site import Site, free_port
from tests.test_migrating import JOBS, THEN, OldSite, digest, old_site

__all__ = ["old_site"]  # the fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

MANY = 1000
LINKS = 200
Run = Callable[[str], list[str]]


@dataclass
class Grown:
    """What was added: photos, jobs with a result each, links to the first of them, by their names in addresses."""

    photos: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)


def grow(run: Run, name: Callable[[str], str]) -> Grown:
    """Rows like those of Alice's rotated print. `run` executes SQL and gives the columns, `name` writes a UUID."""
    grown = Grown()
    (photo,), rotated = JOBS["rotated"]["inputs"]["image"], JOBS["rotated"]["id"]
    (output,) = JOBS["rotated"]["outputs"]

    def like(table: str, row: str, **changes: str) -> None:
        columns = run(f"SELECT * FROM {table} LIMIT 0")
        kept = ", ".join(changes.get(column, f'"{column}"') for column in columns)
        named = ", ".join(f'"{column}"' for column in columns)
        run(f"INSERT INTO {table} ({named}) SELECT {kept} FROM {table} WHERE {row}")

    job = f"(SELECT id FROM jobs_job WHERE uuid = {name(rotated)})"
    for number in range(MANY):
        ids = [str(uuid.uuid4()) for _ in range(3)]
        row = str(10_000 + number)
        like("jobs_photo", f"id = {name(photo)}", id=name(ids[0]), name=f"'IMG_{number}.jpg'")
        like("jobs_job", f"uuid = {name(rotated)}", id=row, uuid=name(ids[1]), idempotency_key="NULL")
        like("jobs_output", f"id = {name(output['id'])}", id=name(ids[2]), job_id=row)
        like("jobs_jobinput", f"job_id = {job}", id=row, job_id=row, photo_id=name(ids[0]))
        if number < LINKS:
            token = f"a-link-of-version-0-1-number-{number:04}"
            live = f"token = '{THEN['links']['live']}'"
            like("jobs_sharelink", live, id=row, token=f"'{token}'", job_id=row)
            grown.links.append(token)
        grown.photos.append(ids[0])
        grown.jobs.append(ids[1])
        grown.outputs.append(ids[2])
    return grown


@pytest.fixture(scope="module")
def grown(old_site: OldSite) -> Grown:
    if url := old_site.variables.get("DATABASE_URL"):
        with psycopg.connect(url) as connection:
            return grow(_runs(connection), lambda text: f"CAST('{text}' AS uuid)")
    with closing(sqlite3.connect(old_site.home / "latent.sqlite3")) as database:
        made = grow(_runs(database), lambda text: f"'{uuid.UUID(text).hex}'")
        database.commit()
        return made


def _runs(connection: Any) -> Run:
    def run(sql: str) -> list[str]:
        done = connection.execute(sql)
        return [column[0] for column in done.description or ()]

    return run


@pytest.fixture(scope="module")
def site(old_site: OldSite, grown: Grown) -> Iterator[Site]:
    old_site.manage("migrate", "--no-input")
    site = Site(old_site.home, free_port(), **old_site.variables)
    try:
        site.wait_until_ready(240)
        yield site
    finally:
        site.end()
        print(site.said())


def test_each_address_of_then_works_or_leads_on(site: Site, grown: Grown) -> None:
    alice, stranger = requests.Session(), requests.Session()
    alice.cookies["sessionid"] = THEN["sessions"]["alice"]
    (output,) = JOBS["rotated"]["outputs"]
    photo = THEN["photos"]["print"]

    def wrong(asked: tuple[requests.Session, str, str | None]) -> str:
        """The address, where it does not answer with what it answered with then."""
        who, path, content = asked
        answer = who.get(f"{site.url}{path}", timeout=60)
        same = content is None or digest(answer.content) == content
        return "" if answer.status_code == 200 and same else f"{path}: {answer.status_code}"

    asked: list[tuple[requests.Session, str, str | None]] = [
        *((alice, f"/files/photos/{each}", photo["sha256"]) for each in grown.photos),
        *((alice, f"/files/outputs/{each}", output["sha256"]) for each in grown.outputs),
        *((alice, f"/jobs/{each}", None) for each in grown.jobs),
        *((stranger, f"/s/{token}", None) for token in grown.links),
        *(
            (stranger, f"/s/{token}/outputs/{each}", output["sha256"])
            for token, each in zip(grown.links, grown.outputs, strict=False)
        ),
        *(
            (stranger, f"/s/{token}/photos/{each}", photo["sha256"])
            for token, each in zip(grown.links, grown.photos, strict=False)
        ),
        (alice, "/jobs/", None),
        (alice, "/jobs/?status=succeeded", None),
        (alice, "/links/", None),
    ]
    with ThreadPoolExecutor(8) as pool:
        assert [found for found in pool.map(wrong, asked) if found] == []
    assert len(asked) == 3 * MANY + 3 * LINKS + 3


def test_the_old_gallery_leads_to_the_library_with_all_of_them(site: Site, grown: Grown) -> None:
    alice = requests.Session()
    alice.cookies["sessionid"] = THEN["sessions"]["alice"]
    answer = alice.get(f"{site.url}/jobs/", timeout=60)
    assert answer.url == f"{site.url}/library/"
    asked = "/api/v1/photos?q=IMG_&made=false"
    found, cursor = 0, ""
    alice.headers["Authorization"] = f"Bearer {THEN['token']}"
    while True:
        part = alice.get(f"{site.url}{asked}&cursor={cursor}", timeout=60).json()
        found += len(part["items"])
        cursor = part["next_cursor"]
        if not cursor:
            break
    assert found == MANY
