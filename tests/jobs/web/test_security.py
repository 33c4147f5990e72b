"""What a browser is told of how to treat the site, and texts that are no text."""

import os
import subprocess
import sys
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from jobs.access import sharing
from jobs.models import ApiToken, Asset, Job
from jobs.queue import lifecycle
from ml.core.messages import FROM_PROFILE
from tests.conftest import Person
from tests.fuzz.corpus import zipped
from tests.jobs.hostile import encode
from tests.support import saying, submit_one
from webapp.config import BASE_DIR

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]

EVIL = '"><img src=x onerror=alert(1)><script>alert(1)</script>{{ 1234567|add:1 }}'
SHORT_EVIL = '"><img src=x onerror=alert(1)>'


@pytest.fixture
def deployed(tmp_path: Path) -> dict[str, str]:
    """The environment of a public site."""
    names = {"DJANGO_SETTINGS_MODULE": "webapp.settings", "LATENT_HOME": str(tmp_path), "HTTPS": "1"}
    return {**os.environ, **names}


@pytest.mark.slow
def test_the_deployment_checks_of_django_find_nothing(deployed: dict[str, str]) -> None:
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=BASE_DIR, env=deployed, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_cookies_and_headers_of_a_public_site(deployed: dict[str, str]) -> None:
    """In a process of its own, since settings are read once."""
    code = """
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("collectstatic", verbosity=0, interactive=False)
from django.test import Client
response = Client().get("/signup", secure=True, headers={"host": "localhost"})
for cookie in response.cookies.values():
    print("cookie", cookie.key, bool(cookie["secure"]), cookie["samesite"])
for name in ("Strict-Transport-Security", "X-Content-Type-Options", "Referrer-Policy"):
    print(name, response[name])
print(Client().get("/", headers={"host": "localhost"}).status_code)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=BASE_DIR, env=deployed, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert "cookie csrftoken True Lax" in said
    assert any(
        line.startswith("Strict-Transport-Security max-age=31536000; includeSubDomains") for line in said
    )
    assert "X-Content-Type-Options nosniff" in said
    assert "Referrer-Policy same-origin" in said
    assert said[-1] == "301"


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/library/jobs",
        "/login",
        "/signup",
        "/weights/",
        "/nowhere",
        "/new/instant",
        "/photos",
        "/s/none",
        "/api/v1/docs",
    ],
)
def test_the_policy_allows_neither_inline_script_nor_eval(client: Client, address: str) -> None:
    policy = client.get(address)["Content-Security-Policy"]
    directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == "'self'"
    assert directives["frame-ancestors"] == directives["base-uri"] == "'none'"
    assert "unsafe" not in policy


def test_only_the_admin_has_a_laxer_policy(client: Client) -> None:
    policy = client.get("/admin/login/")["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-inline' 'unsafe-eval'" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


def test_the_session_cookie_is_out_of_reach_of_scripts(alice: Person) -> None:
    browser = Client()
    response: Any = browser.post("/login", {"username": "alice", "password": "alice"})
    assert response.cookies["sessionid"]["httponly"]
    assert response.cookies["sessionid"]["samesite"] == "Lax"


@pytest.mark.slow
def test_no_text_of_a_user_becomes_markup(alice: Person, ada: Person, photo: Any, stored: Any) -> None:
    alice.user.username = alice.user.first_name = EVIL[:150]
    alice.user.save()
    picture = photo(alice.owner)
    Asset.objects.filter(pk=picture.pk).update(name=EVIL, notes=[FROM_PROFILE(name=EVIL).as_json()])
    ApiToken.issue(alice.user, EVIL[:80])
    job = submit_one(alice.owner, "instant", {}, {"photo": [picture]})
    claim = lifecycle.claim("cpu", worker=EVIL[:100])
    assert claim
    outcome = stored(claim)
    outcome.labels = [{"title": EVIL, "score": 0.5}]
    outcome.metrics = {EVIL: 1.0}
    outcome.series = {EVIL: [(0, 1), (1, 2)]}
    outcome.recipe = {"operation": "instant", "params": {EVIL: EVIL}, "note": EVIL}
    lifecycle.finish(claim, outcome)
    failed = submit_one(alice.owner, "nap", {}, {"photo": [picture]})
    claim = lifecycle.claim("cpu")
    assert claim
    lifecycle.fail(claim, "internal", saying(EVIL))
    Job.objects.filter(pk=failed.pk).update(params={EVIL: EVIL}, method=EVIL[:60])
    job.refresh_from_db()
    link = sharing.share(job, expires_in=None, recipe=True)
    hers = [
        "/", "/library/jobs", f"/jobs/{job.uuid}", f"/jobs/{failed.uuid}", f"/s/{link.token}", "/links/", "/account/",
        "/account/tokens", f"/choose?photo={picture.id}", f"/new/instant?photo={picture.id}", "/library/jobs?q=<script>alert(1)",
        f"/jobs/{job.uuid}/tile", f"/jobs/{job.uuid}/status", "/account/password", "/account/delete",
    ]  # fmt: skip
    adas = [
        "/admin/", "/admin/jobs/job/", f"/admin/jobs/job/{job.pk}/change/", f"/admin/jobs/job/{failed.pk}/change/",
        "/admin/jobs/asset/", f"/admin/jobs/asset/{picture.pk}/change/", "/admin/jobs/owner/", "/admin/jobs/apitoken/",
        f"/admin/jobs/owner/{alice.owner.pk}/change/", "/admin/auth/user/", f"/admin/auth/user/{alice.user.pk}/change/",
        f"/admin/jobs/job/{job.pk}/delete/", f"/admin/jobs/sharelink/{link.pk}/change/",
        "/admin/jobs/sharelink/", "/admin/jobs/job/?q=<script>alert(1)",
    ]  # fmt: skip
    for client, addresses in ((alice.client, hers), (ada.client, adas)):
        for address in addresses:
            response = client.get(address)
            assert response.status_code == 200, address
            assert_harmless(response)


@pytest.mark.slow
def test_no_text_that_comes_by_a_form_or_a_file_becomes_markup(alice: Person, real_operations: None) -> None:
    """Names of files, of classes, of tokens and of people, and whatever else is sent: to where it is shown at once."""
    jpeg = encode(Image.new("RGB", (30, 20), "teal"), "JPEG")
    album = {f"{name}/{number}.jpg": jpeg for name in (SHORT_EVIL, "dogs") for number in range(10)}
    client, sent = alice.client, []
    for name, content in ((f"{EVIL[:100]}.jpg", jpeg), (f"{EVIL[:100]}.zip", zipped(album))):
        answer = client.post("/api/v1/photos", {"file": SimpleUploadedFile(name, content)})
        assert answer.status_code == 201, answer.content
        sent.append(answer.json()["id"])
    photo, archive = sent
    assert Asset.objects.get(pk=photo).name
    assert SHORT_EVIL in Asset.objects.get(pk=archive).note
    pages: list[Any] = [
        *(client.get(f"/choose?photo={photo_id}") for photo_id in sent),
        client.get(f"/new/transform?photo={photo}&percent={EVIL}&action={EVIL}&{EVIL}={EVIL}"),
        client.post("/new/transform", {"slot-image": photo, "percent": EVIL, "action": EVIL}),
        client.post("/new/train-classifier", {"slot-archive": archive, "names": EVIL, "epochs": EVIL}),
        client.post("/photos", {"file": SimpleUploadedFile(EVIL, b"no picture")}),
        client.post("/account/tokens", {"name": EVIL[:80]}),
        client.get("/account/tokens"),
        client.post("/account/password", {"old_password": EVIL, "new_password1": EVIL, "new_password2": "x"}),
        client.get(f"/library/jobs?q={EVIL}&status={EVIL}&operation={EVIL}"),
        client.get(f"/{EVIL}"),
        client.generic("GET", "/photos", headers={"accept": EVIL}),
        Client().post("/login", {"username": EVIL, "password": EVIL, "next": EVIL}),
        Client().post("/signup", {"username": EVIL, "password1": EVIL, "password2": EVIL}),
    ]
    for page in pages:
        assert page.status_code < 500
        assert_harmless(page)


class Executed(HTMLParser):
    """What of `EVIL` a browser would run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._script = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._script = tag == "script" and given.get("type") != "application/json"
        if "onerror" in given or given.get("src") == "x" or "javascript:" in str(given.get("href")):
            self.found.append(f"{tag} {attrs}")

    def handle_endtag(self, tag: str) -> None:
        self._script = False

    def handle_data(self, data: str) -> None:
        if self._script and "alert(1)" in data:
            self.found.append(data)


def assert_harmless(response: Any) -> None:
    address, page = response.request["PATH_INFO"], response.content.decode()
    assert Executed(page).found == [], address
    assert "1234568" not in page, address


@pytest.mark.parametrize(
    "address",
    ["/library/jobs?q=%00", "/s/%00", "/nowhere%00", "/api/v1/jobs?operation=%00", "/login?next=%00"],
)
def test_a_null_character_in_an_address_is_refused(alice: Person, address: str) -> None:
    answer = alice.client.get(address)
    assert answer.status_code == 400
    assert "null character" in answer.content.decode()


def test_a_null_character_in_the_name_of_a_token_is_no_part_of_it(alice: Person) -> None:
    assert alice.client.post("/account/tokens", {"name": "my\0 script"}).status_code == 200
    assert ApiToken.objects.get(user=alice.user).name == "my script"


def test_what_would_be_executed_is_seen() -> None:
    assert len(Executed(f'<input value="{EVIL}">').found) == 2
    assert Executed(escape(EVIL)).found == []
