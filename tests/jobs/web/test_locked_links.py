"""Links that ask for a password, and links that keep the file to themselves."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from PIL import Image

from jobs.access import guessing, sharing
from jobs.models import Asset, Job, ShareLink
from tests.conftest import Person
from tests.jobs.web.pages import finished, page

pytestmark = pytest.mark.django_db(transaction=True)

WORD = "korn-blume-7"


@dataclass
class Shared:
    job: Job
    photo: Asset
    output: Asset
    link: ShareLink

    @property
    def addresses(self) -> list[str]:
        """All that the link leads to."""
        files = [f"/outputs/{self.output.pk}", f"/photos/{self.photo.pk}"]
        ways = ["", "?size=512", "?download"]
        return [f"/s/{self.link.token}{file}{way}" for file in files for way in ways]

    @property
    def address(self) -> str:
        return f"/s/{self.link.token}"


@pytest.fixture
def share(alice: Person, photo: Callable[..., Asset]) -> Callable[..., Shared]:
    def make(**terms: Any) -> Shared:
        used = photo(alice.owner)
        job = finished(alice.owner, used)
        return Shared(job, used, job.outputs.get(), sharing.share(job, expires_in=None, **terms))

    return make


def statuses(client: Client, addresses: list[str]) -> set[int]:
    return {client.get(address).status_code for address in addresses}


def test_a_password_guards_every_byte(share: Callable[..., Shared], client: Client) -> None:
    shared = share(password=WORD)
    assert WORD not in shared.link.password
    locked = client.get(shared.address)
    assert (locked.status_code, locked["Cache-Control"]) == (200, "private, no-store")
    for secret in (str(shared.output.pk), str(shared.photo.pk), "instant", "og:image"):
        assert secret not in page(locked)
    assert statuses(client, shared.addresses) == {404}

    wrong = client.post(shared.address, {"password": "wrong"})
    assert (wrong.status_code, "not the password" in page(wrong)) == (403, True)
    assert statuses(client, shared.addresses) == {404}

    assert client.post(shared.address, {"password": WORD})["Location"] == shared.address
    assert str(shared.output.pk) in page(client.get(shared.address))
    assert statuses(client, shared.addresses) == {200}
    assert statuses(Client(), shared.addresses) == {404}, "opened for one is not opened for all"


def test_a_link_that_is_revoked_is_dead_for_whoever_had_opened_it(
    share: Callable[..., Shared], client: Client
) -> None:
    shared = share(password=WORD)
    client.post(shared.address, {"password": WORD})
    sharing.revoke(ShareLink.objects.all())
    assert statuses(client, [shared.address, *shared.addresses]) == {404}


def test_one_password_opens_one_link(share: Callable[..., Shared], client: Client) -> None:
    first, second = share(password=WORD), share(password=WORD)
    client.post(first.address, {"password": WORD})
    assert statuses(client, first.addresses) == {200}
    assert statuses(client, second.addresses) == {404}


def test_guessing_is_slowed_down_for_that_link_and_that_address(
    share: Callable[..., Shared], client: Client
) -> None:
    guessed, other = share(password=WORD), share(password=WORD)
    said = [
        client.post(guessed.address, {"password": f"wrong {number}"}).status_code
        for number in range(guessing.PAIR_LIMIT + 1)
    ]
    assert said == [403] * (guessing.PAIR_LIMIT - 1) + [429] * 2
    refused = client.post(guessed.address, {"password": WORD})
    assert (refused.status_code, int(refused["Retry-After"]) > 60) == (429, True)
    assert client.post(other.address, {"password": WORD}).status_code == 302
    elsewhere = Client(REMOTE_ADDR="198.51.100.7")
    assert elsewhere.post(guessed.address, {"password": WORD}).status_code == 302


def test_what_may_only_be_looked_at_comes_as_a_copy_for_the_screen(
    share: Callable[..., Shared], client: Client
) -> None:
    shared = share(download=False, recipe=True)
    buffer = io.BytesIO()
    Image.new("RGB", (3000, 20), "teal").save(buffer, "PNG")
    shared.output.file.save("large.png", ContentFile(buffer.getvalue()))
    assert "Download" not in page(client.get(shared.address))
    for way in ("", "?download", "?size=1"):
        answer = client.get(f"{shared.address}/outputs/{shared.output.pk}{way}")
        assert answer["Content-Type"] == "image/webp"
        with Image.open(io.BytesIO(answer.content)) as image:
            assert max(image.size) == 2048
            assert not image.info.get("xmp")


def test_the_page_and_the_api_make_such_links(alice: Person, client: Client) -> None:
    job = finished(alice.owner)
    alice.client.post(f"/jobs/{job.uuid}/share", {"days": "7", "password": WORD})
    made = alice.client.post(
        f"/api/v1/jobs/{job.uuid}/share", {"password": WORD, "download": False}, "application/json"
    )
    assert made.status_code == 201
    for link in ShareLink.objects.all():
        assert not link.download
        assert "password is needed" in page(client.get(f"/s/{link.token}"))
    said = page(alice.client.get("/links/"))
    assert "with a password · only to look at" in " ".join(said.split())


def test_a_link_without_a_password_takes_none(share: Callable[..., Shared], client: Client) -> None:
    shared = share()
    answer = client.post(shared.address, {"password": "x"})
    assert (answer.status_code, answer["Location"]) == (302, shared.address)
