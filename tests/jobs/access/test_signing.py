"""Pictures on a host of their own: signed addresses, and nothing else there."""

import io
import time
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from jobs.access import sharing, signing
from jobs.models import Asset
from jobs.queue import lifecycle, live
from jobs.web.presenters.picture import PicturePresenter
from tests.conftest import Person
from tests.support import submit_one
from webapp.config import config

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]

ORIGIN = "http://media.test:8443"
HOST = "media.test:8443"


@pytest.fixture(autouse=True)
def _media_host(settings: Any) -> None:
    settings.LATENT = settings.LATENT.model_copy(update={"media_host": ORIGIN})
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "media.test"]


@pytest.fixture
def sent(alice: Person) -> dict[str, Any]:
    """A photo of Alice's, as the API tells of it."""
    buffer = io.BytesIO()
    Image.new("RGB", (600, 400), "teal").save(buffer, "PNG")
    file = SimpleUploadedFile("teal.png", buffer.getvalue())
    told: dict[str, Any] = alice.client.post("/api/v1/photos", {"file": file}).json()
    return told


def fetch(address: str, client: Client | None = None, **headers: str) -> Any:
    """As a browser does that knows nothing of the site."""
    assert address.startswith(f"{ORIGIN}/")
    headers["host"] = HOST
    return (client or Client()).get(address.removeprefix(ORIGIN), headers=headers)


def test_the_api_and_the_pages_show_pictures_there(alice: Person, sent: dict[str, Any]) -> None:
    whole = fetch(sent["url"])
    assert (whole.status_code, whole["Content-Type"]) == (200, "image/png")
    assert whole["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Set-Cookie" not in whole
    shown = PicturePresenter.of(Asset.objects.get())
    assert fetch(shown.thumbnail)["Content-Type"] == "image/webp"
    assert fetch(shown.download)["Content-Disposition"].startswith("attachment")
    page = alice.client.get(f"/choose?photo={sent['id']}").content.decode()
    assert shown.thumbnail.replace("&", "&amp;") in page
    assert shown.path not in page.replace(ORIGIN + shown.path, "")


def test_an_address_of_the_site_leads_there_whoever_may_see_the_picture(
    alice: Person, charlie: Person, sent: dict[str, Any]
) -> None:
    path = f"/files/photos/{sent['id']}?size=256"
    led = alice.client.get(path)
    assert (led.status_code, led["Cache-Control"]) == (302, "private, no-store")
    assert fetch(led["Location"])["Content-Type"] == "image/webp"
    for client in (charlie.client, Client()):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("spoil", ["", "key=", "key=1abcde:AAAA", "key=%00", "key=:::"])
def test_an_address_that_was_not_signed_is_nothing(sent: dict[str, Any], spoil: str) -> None:
    path = sent["url"].partition("?")[0]
    assert fetch(f"{path}?{spoil}").status_code == 404


def test_a_signature_is_good_for_one_picture(alice: Person, sent: dict[str, Any]) -> None:
    other = Asset.objects.create(
        owner=alice.owner, kind="image", format="png", file="photos/b.png", width=1, height=1, bytes=1
    )
    assert fetch(sent["url"].replace(sent["id"], str(other.id))).status_code == 404


def test_an_address_runs_out_within_the_hour_and_stays_the_same_for_a_while(
    monkeypatch: pytest.MonkeyPatch, sent: dict[str, Any]
) -> None:
    now = time.time()
    start = now - now % signing.SAME_SECONDS
    path = f"/files/photos/{sent['id']}"

    def at(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: start + seconds)

    at(1)
    address = signing.address(path)
    at(signing.SAME_SECONDS - 1)
    assert signing.address(path) == address
    at(signing.SAME_SECONDS + 1)
    assert signing.address(path) != address
    assert fetch(address).status_code == 200
    at(signing.SIGNED_SECONDS + 5)
    assert fetch(address).status_code == 404


def test_what_a_link_shows_is_signed_for_minutes(
    monkeypatch: pytest.MonkeyPatch, alice: Person, sent: dict[str, Any]
) -> None:
    link = sharing.share(Asset.objects.get(), expires_in=None, password="korn-blume-7")
    shown = PicturePresenter.of(Asset.objects.get(), token=link.token).url
    assert Client().get(shown).status_code == 404
    bob = Client()
    bob.post(f"/s/{link.token}", {"password": "korn-blume-7"})
    now = time.time()
    address = bob.get(shown)["Location"]
    assert fetch(address).status_code == 200
    monkeypatch.setattr(time, "time", lambda: now + signing.SHARED_SECONDS + 5)
    assert fetch(address).status_code == 404
    assert fetch(bob.get(shown)["Location"]).status_code == 200


def test_the_site_itself_takes_no_signature_for_leave(charlie: Person, sent: dict[str, Any]) -> None:
    assert charlie.client.get(sent["url"].removeprefix(ORIGIN)).status_code == 404


def test_the_host_answers_nothing_else_and_knows_nobody(
    alice: Person, ada: Person, sent: dict[str, Any]
) -> None:
    for path in ("/", "/jobs/", "/admin/", "/healthz", "/api/v1/operations", "/login", "/static/icon.svg"):
        answer = fetch(f"{ORIGIN}{path}", ada.client)
        assert (answer.status_code, answer["Content-Type"]) == (404, "text/plain; charset=utf-8"), path
    for name in ("MEDIA.test:8443", "media.test.:8443", "media.test"):
        assert ada.client.get("/login", headers={"host": name}).status_code == 404, name
    unsigned = sent["url"].partition("?")[0]
    assert fetch(unsigned, alice.client).status_code == 404
    assert fetch(unsigned, authorization=f"Bearer {alice.token}").status_code == 404
    assert Client().post(sent["url"].removeprefix(ORIGIN), headers={"host": HOST}).status_code == 405


def test_a_revoked_link_is_dead_there_too(alice: Person, stored: Any) -> None:
    job = submit_one(alice.owner, "instant", {}, {})
    claim = lifecycle.claim("cpu")
    assert claim
    lifecycle.finish(claim, stored(claim))
    job.refresh_from_db()
    link = sharing.share(job, expires_in=None)
    output = job.outputs.get()
    shown = PicturePresenter.of(output, token=link.token).url
    address = Client().get(shown)["Location"]
    seen = fetch(address)
    assert (seen.status_code, seen["Cache-Control"]) == (200, "private, no-cache")
    sharing.revoke(sharing.live_links(job))
    assert fetch(address, **{"if-none-match": seen["ETag"]}).status_code == 404


def test_a_picture_that_was_deleted_is_gone_at_once(alice: Person, sent: dict[str, Any]) -> None:
    Asset.objects.all().delete()
    assert fetch(sent["url"]).status_code == 404


def test_a_preview_is_shown_there(alice: Person) -> None:
    job = submit_one(alice.owner, "instant", {}, {})
    live.show(job.uuid, b"RIFF")
    led = alice.client.get(f"/jobs/{job.uuid}/preview?v=1")
    assert fetch(led["Location"]).content == b"RIFF"


def test_without_a_media_host_nothing_is_signed(settings: Any, sent: dict[str, Any]) -> None:
    settings.LATENT = config()
    assert PicturePresenter.of(Asset.objects.get()).url == f"/files/photos/{sent['id']}"
    assert config().media_host == ""
    assert django_settings.MEDIA_ORIGIN == []
