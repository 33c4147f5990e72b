"""The client for programs, against a real site with a real worker; and the examples of docs/api.md."""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image
from pytest_django.live_server_helper import LiveServer

from jobs.errors import Refused as SaysLater
from jobs.intake import receive
from jobs.messages import UPLOADS_BUSY
from jobs.models import Job as Row
from latent.client import Client, Job, NotSucceeded, Refused
from ml.registry import registry
from tests.conftest import Person
from tests.operations import OPERATIONS
from webapp.config import BASE_DIR

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("worker")]


def jpeg(width: int = 400, height: int = 300) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def _operations_of_tests_too(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LATENT_ROOMS", OPERATIONS)
    registry.cache_clear()
    yield
    registry.cache_clear()


@pytest.fixture
def client(live_server: LiveServer, alice: Person) -> Client:
    return Client(live_server.url, alice.token)


def test_the_examples_of_the_page_run(
    live_server: LiveServer, alice: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", (BASE_DIR / "docs" / "api.md").read_text(), re.S | re.M)
    assert len(blocks) == 5
    (tmp_path / "photo.jpg").write_bytes(jpeg())
    monkeypatch.chdir(tmp_path)
    said: dict[str, Any] = {}
    source = (
        "\n".join(blocks).replace("http://127.0.0.1:8000", live_server.url).replace("latent_…", alice.token)
    )
    exec(compile(source, "docs/api.md", "exec"), said)
    with Image.open(tmp_path / "small.jpg") as small:
        assert (small.format, small.size) == ("JPEG", (320, 240))
    assert said["turned"].outputs[0].width == 240
    assert said["job"].outputs[0].width == 640


def test_a_result_is_stored_under_its_own_name(client: Client, tmp_path: Path) -> None:
    job = client.run("transform", {"image": client.upload(jpeg(), "garden.jpg")}, {"width": 100})
    path = client.download(job.outputs[0], tmp_path)
    assert path.parent == tmp_path
    assert path.name.startswith("garden")
    assert path.stat().st_size == job.outputs[0].bytes
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_progress_is_seen_and_the_end_too(client: Client) -> None:
    seen: list[Job] = []
    client.run("nap", params={"seconds": 2.5}, progress=seen.append)
    assert len(seen) > 2
    assert any(0 < job.progress < 1 for job in seen)
    assert seen[-1].status == "succeeded"


def test_the_bar_says_what_is_done(client: Client, capfd: pytest.CaptureFixture[str]) -> None:
    client.run("nap", params={"seconds": 1.5}, progress=True)
    shown = capfd.readouterr().err
    assert "nap: " in shown
    assert "100%" in shown


def test_what_does_not_succeed_says_why(client: Client) -> None:
    with pytest.raises(NotSucceeded) as failed:
        client.run("picky")
    assert str(failed.value) == failed.value.job.error != ""
    job = client.cancel(client.submit("nap", params={"seconds": 30}))
    with pytest.raises(NotSucceeded, match="cancelled"):
        client.wait(job)


def test_patience_has_an_end(client: Client) -> None:
    job = client.submit("nap", params={"seconds": 60})
    with pytest.raises(TimeoutError):
        client.wait(job, seconds=1)
    client.cancel(job)


def test_a_refusal_is_a_sentence(client: Client, live_server: LiveServer) -> None:
    with pytest.raises(Refused, match="There is nothing here") as refused:
        client.job("00000000-0000-0000-0000-000000000000")
    assert (refused.value.status, refused.value.code) == (404, "not_found")
    with pytest.raises(Refused, match="This token is not good") as refused:
        Client(live_server.url, "wrong").upload(jpeg())
    assert refused.value.status == 401


def test_what_is_to_be_repeated_later_is(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []
    taken = receive.receive

    def busy_at_first(*what: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise SaysLater(UPLOADS_BUSY, status=503, retry_after=1)
        return taken(*what)

    monkeypatch.setattr(receive, "receive", busy_at_first)
    assert client.upload(jpeg()).width == 400
    assert len(tries) == 2
    client._patience = 0
    tries.clear()
    with pytest.raises(Refused) as refused:
        client.upload(jpeg())
    assert (refused.value.status, refused.value.retry_after) == (503, 1)


def test_another_host_does_not_get_the_token(
    client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    photo = client.upload(jpeg())
    elsewhere = replace(photo, url=photo.url.replace("localhost", "127.0.0.1"))
    assert elsewhere.url != photo.url
    sent: list[Any] = []
    send: Callable[..., requests.Response] = requests.Session.send

    def watch(session: requests.Session, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        sent.append(request.headers.get("Authorization"))
        return send(session, request, **how)

    monkeypatch.setattr(requests.Session, "send", watch)
    with pytest.raises(Refused):
        client.download(elsewhere, tmp_path / "photo.jpg")
    assert sent == [None]
    assert list(tmp_path.iterdir()) == []


def test_a_request_that_is_sent_twice_makes_one_job(client: Client) -> None:
    keys = set()
    send = client._session.send

    def twice(request: requests.PreparedRequest, **how: Any) -> requests.Response:
        keys.add(request.headers.get("Idempotency-Key"))
        send(request, **how)
        return send(request, **how)

    client._session.send = twice  # type: ignore[method-assign]
    client.submit("instant")
    assert Row.objects.count() == 1
    client.submit("instant")
    assert (Row.objects.count(), len(keys)) == (2, 2)
