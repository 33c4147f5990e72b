"""A real nginx before a real web server: what it refuses, what it sends itself, what it keeps to itself."""

import http.client
import io
import json
import os
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.conf import settings
from PIL import Image

from jobs.access import sharing
from jobs.models import Asset
from jobs.queue import lifecycle
from tests import front
from tests.conftest import Person, end
from tests.front import Front
from tests.site import free_port
from tests.support import Process, submit_one, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis", "operations"),
]

MEGABYTES = 1


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Stack:
    """Where nginx, and behind it the web server, listen."""

    port: int
    web: int
    media_host: str = field(init=False)

    def __post_init__(self) -> None:
        self.media_host = f"media.localhost:{self.port}"

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None, *, port: int = 0, **headers: str
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=20)
        told = {"Host": f"localhost:{self.port}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        try:
            connection.request(method, path, body, told)
            answer = connection.getresponse()
            return Answer(
                answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read()
            )
        finally:
            connection.close()

    def send(self, token: str, content: bytes) -> Answer:
        between = uuid.uuid4().hex
        head = f'--{between}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{between}--\r\n".encode()
        form = f"multipart/form-data; boundary={between}"
        return self.ask("/api/v1/photos", "POST", body, Authorization=f"Bearer {token}", Content_Type=form)


@pytest.fixture(scope="module")
def stack(
    redis_server: object, django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    if not front.found():
        if os.environ.get("CI") == "true":
            raise AssertionError(front.MISSING)
        pytest.skip(front.MISSING)
    there = Stack(free_port(), free_port())
    web = Process(
        "web",
        *(sys.executable, "-m", "gunicorn", "--config", "python:webapp.gunicorn"),
        PORT=str(there.web),
        BEHIND_PROXY="1",
        ACCEL_REDIRECT="/stored/",
        MEDIA_HOST=f"http://{there.media_host}",
        MAX_UPLOAD_MEGABYTES=str(MEGABYTES),
    )
    nginx = Front(
        tmp_path_factory.mktemp("front") / "nginx",
        there.port,
        [there.web],
        {"MEDIA": str(settings.MEDIA_ROOT), "MAX_UPLOAD_MEGABYTES": str(MEGABYTES)},
    )
    wait_for(lambda: there.ask("/healthz").status == 200, 60)
    yield there
    nginx.end()
    end([web])


def png() -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((200, 100), 80).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_picture_is_sent_by_nginx_and_nobody_learns_from_where(stack: Stack, alice: Person) -> None:
    sent = stack.send(alice.token, png())
    assert sent.status == 201, sent.body
    address = json.loads(sent.body)["url"].removeprefix(f"http://{stack.media_host}")
    content = Path(Asset.objects.get().file.path).read_bytes()

    behind = stack.ask(address, port=stack.web, Host=stack.media_host)
    assert behind.headers["x-accel-redirect"].startswith("/stored/photos/")
    assert behind.body == b""

    seen = stack.ask(address, Host=stack.media_host)
    assert (seen.status, seen.body) == (200, content)
    assert "x-accel-redirect" not in seen.headers
    for header in (
        *("content-type", "etag", "cache-control", "content-security-policy", "x-content-type-options"),
        *("cross-origin-resource-policy", "content-disposition"),
    ):
        assert seen.headers[header] == behind.headers[header], header
    part = stack.ask(address, Host=stack.media_host, Range="bytes=10-19")
    assert (part.status, part.body) == (206, content[10:20])
    assert stack.ask(address, Host=stack.media_host, If_None_Match=seen.headers["etag"]).status == 304


def test_stored_files_cannot_be_asked_for(stack: Stack, alice: Person) -> None:
    stack.send(alice.token, png())
    name = Asset.objects.get().file.name
    for path in (f"/stored/{name}", f"/stored/../stored/{name}", f"/%73tored/{name}"):
        assert stack.ask(path).status == 404, path
    assert stack.ask("/stored/..%2f..%2fsecret_key").status == 400


def test_the_media_host_has_pictures_and_nothing_else(stack: Stack, alice: Person) -> None:
    sent = json.loads(stack.send(alice.token, png()).body)
    path = sent["url"].removeprefix(f"http://{stack.media_host}")
    assert stack.ask(path, Host=stack.media_host).status == 200
    assert stack.ask(path.partition("?")[0], Host=stack.media_host).status == 404
    assert stack.ask("/api/v1/operations", Host=stack.media_host).status == 404
    policy = stack.ask("/api/v1/operations").headers["content-security-policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert f"http://{stack.media_host}" in directives["img-src"]
    assert f"http://{stack.media_host}" in directives["media-src"]
    assert "media" not in directives["script-src"] + directives["connect-src"]


def test_a_revoked_link_is_dead_at_the_front_too(stack: Stack, alice: Person, stored: object) -> None:
    job = submit_one(alice.owner, "instant", {}, {})
    claim = lifecycle.claim("cpu")
    assert claim
    lifecycle.finish(claim, stored(claim))  # type: ignore[operator]
    job.refresh_from_db()
    link = sharing.share(job, expires_in=None)
    path = f"/s/{link.token}/outputs/{job.outputs.get().id}"
    address = stack.ask(path).headers["location"].removeprefix(f"http://{stack.media_host}")
    seen = stack.ask(address, Host=stack.media_host)
    assert (seen.status, seen.body) == (200, b"picture")
    sharing.revoke(sharing.live_links(job))
    again = stack.ask(
        address,
        Host=stack.media_host,
        If_None_Match=seen.headers["etag"],
        If_Modified_Since=seen.headers["last-modified"],
    )
    assert again.status == 404


def test_a_body_that_is_too_large_is_refused_in_words(stack: Stack, alice: Person) -> None:
    large = b"x" * 3_000_000
    told = stack.send(alice.token, large)
    assert (told.status, told.headers["content-type"]) == (413, "application/problem+json")
    assert json.loads(told.body)["detail"] == "At most 1 MB can be sent. Make it smaller and try again."
    page = stack.ask("/photos", "POST", large)
    assert (page.status, page.body) == (
        413,
        b"At most 1 MB can be sent. Make it smaller and try again.\n",
    )


def test_while_no_web_server_answers_a_sentence_does(tmp_path: Path) -> None:
    port = free_port()
    nginx = Front(tmp_path / "nginx", port, [free_port()], {"MEDIA": "/nowhere", "MAX_UPLOAD_MEGABYTES": "1"})
    try:
        told = Stack(port, 0).ask("/library/")
        assert (told.status, told.headers["retry-after"]) == (503, "5")
        assert told.body == b"The site is just being started. Try again in a moment.\n"
        assert Stack(port, 0).ask("/front").status == 200
    finally:
        nginx.end()
