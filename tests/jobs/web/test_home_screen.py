"""Latent on a phone's home screen, and photos that are shared to it."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from jobs.models import Asset, Draft, Owner
from tests.conftest import Person
from tests.jobs.web.pages import page, png

pytestmark = pytest.mark.django_db(transaction=True)


def share(client: Client, *names: str, site: str | None = "none") -> Any:
    files = [SimpleUploadedFile(name, png()) for name in names]
    headers = {"sec-fetch-site": site} if site else {}
    return client.post("/share-target", {"file": files}, headers=headers)


def test_the_manifest_makes_it_a_thing_to_be_installed(client: Client) -> None:
    answer = client.get("/manifest.webmanifest")
    described = answer.json()
    assert answer["Content-Type"] == "application/manifest+json"
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in described["icons"]}
    assert "maskable" in {icon["purpose"] for icon in described["icons"]}
    assert described["share_target"]["action"] == "/share-target"
    assert described["display"] == "standalone"
    assert 'rel="manifest" href="/manifest.webmanifest"' in page(client.get("/"))


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_a_photo_shared_by_the_phone_waits_to_be_told_what_should_happen(alice: Person, site: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice.user)
    answer = share(strict, "beach.png", site=site)
    assert answer["Location"] == f"/choose?photo={Asset.objects.get(owner=alice.owner).pk}"


def test_several_photos_arrive_as_a_draft(alice: Person) -> None:
    answer = share(alice.client, "beach.png", "castle.png")
    assert answer["Location"] == f"/choose?draft={Draft.objects.get().pk}"


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", None])
def test_another_site_can_share_nothing_in_somebodys_name(alice: Person, client: Client, site: Any) -> None:
    for asker in (alice.client, client):
        answer = share(asker, "beach.png", site=site)
        assert answer.status_code == 403
        assert "Only your phone" in page(answer)
    assert not Asset.objects.exists()
    assert Owner.objects.count() == 1


def test_the_service_worker_and_its_page_say_nothing_of_anybody(alice: Person, client: Client) -> None:
    worker = alice.client.get("/service-worker.js")
    assert worker["Content-Type"].startswith("text/javascript")
    assert worker["Cache-Control"] == "no-cache"
    kept = re.findall(r"cache\.(?:add|put)\((\w+)", page(worker))
    assert kept == ["OFFLINE", "request"]
    assert page(alice.client.get("/offline")) == page(client.get("/offline"))
