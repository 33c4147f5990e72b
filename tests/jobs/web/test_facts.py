"""The facts of a photo: kept as its owner says, written into what its owner downloads, and never into what others see."""

import io
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from jobs.access import sharing
from jobs.intake import receive
from jobs.models import Asset
from ml.core.about import About, about_of, exif_of
from tests.conftest import Person
from tests.jobs.hostile import encode, picture
from tests.jobs.kinds import dng, heic, made_up
from tests.jobs.web.pages import finished, page

pytestmark = pytest.mark.django_db(transaction=True)

PLACE = (51.4778, -0.0014)
FACTS = About(
    taken="2020-01-02T03:04:05", maker="Maker", camera="Maker X1", lens="50 mm", exposure=1 / 250, aperture=2.8,
    iso=400, focal_length=50, dpi=300, artist="Alice", copyright="Alice 2020", place=PLACE,
)  # fmt: skip
SECRETS = (b"Maker", b"2020:01:02", b"Alice", b"50 mm")


def sent(person: Person, content: bytes | None = None) -> Asset:
    content = content or encode(picture(), "JPEG", exif=exif_of(FACTS))
    return receive.receive(person.owner, SimpleUploadedFile("photo.jpg", content))


def downloaded(client: Client, address: str) -> bytes:
    response: Any = client.get(address)
    assert response.status_code == 200
    content = b"".join(response.streaming_content) if response.streaming else response.content
    assert int(response["Content-Length"]) == len(content)
    return bytes(content)


def facts_in(content: bytes) -> About:
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        return about_of(image.info.get("exif", b""))


def choose(person: Person, **form: str) -> None:
    assert person.client.post("/account/facts", {"carried": "no-place"} | form).status_code == 302
    person.owner.refresh_from_db()


@pytest.mark.parametrize(
    "content",
    [
        encode(picture(), "JPEG", exif=exif_of(FACTS)),
        encode(picture(), "PNG", exif=exif_of(FACTS)),
        encode(picture(), "WEBP", exif=exif_of(FACTS)),
        encode(picture(), "AVIF", exif=exif_of(FACTS)),
        encode(picture(), "TIFF", exif=exif_of(FACTS)),
        heic(made_up(48, 32), exif=exif_of(FACTS)),
    ],
    ids=["jpeg", "png", "webp", "avif", "tiff", "heic"],
)
def test_facts_come_in_and_go_out_without_the_place(alice: Person, content: bytes) -> None:
    photo = sent(alice, content)

    assert photo.about == FACTS.without_place().known()
    assert b"Maker" not in downloaded(alice.client, f"/files/photos/{photo.pk}")
    assert facts_in(downloaded(alice.client, f"/files/photos/{photo.pk}?download")) == FACTS.without_place()


def test_a_raw_file_says_its_camera(alice: Person) -> None:
    assert sent(alice, dng(made_up(64, 48))).about == {"maker": "Maker", "camera": "Camera"}


def test_a_place_is_kept_where_its_owner_says_so(alice: Person) -> None:
    choose(alice, keeps_place="on")
    photo = sent(alice)
    address = f"/files/photos/{photo.pk}?download"

    assert About(**photo.about).place == pytest.approx(PLACE)
    assert facts_in(downloaded(alice.client, address)).place is None
    assert facts_in(downloaded(alice.client, f"{address}&facts=all")).place == pytest.approx(PLACE)
    choose(alice, keeps_place="on", carried="all")
    assert facts_in(downloaded(alice.client, address)).place == pytest.approx(PLACE)


def test_a_download_may_say_nothing(alice: Person) -> None:
    photo = sent(alice)
    address = f"/files/photos/{photo.pk}?download"

    assert downloaded(alice.client, f"{address}&facts=nothing") == downloaded(
        alice.client, address.split("?")[0]
    )
    choose(alice, carried="nothing")
    assert facts_in(downloaded(alice.client, address)) == About()
    assert facts_in(downloaded(alice.client, f"{address}&facts=no-place")) == FACTS.without_place()


def test_the_resolution_is_where_programs_look_for_it(alice: Person) -> None:
    photo = sent(alice, encode(picture(), "JPEG", dpi=(300, 300)))

    with Image.open(io.BytesIO(downloaded(alice.client, f"/files/photos/{photo.pk}?download"))) as image:
        assert image.info["dpi"] == (300, 300)


def test_a_result_carries_the_facts_of_its_photo_and_its_recipe(alice: Person) -> None:
    result = finished(alice.owner, sent(alice)).outputs.get()

    content = downloaded(alice.client, f"/files/outputs/{result.pk}?download")

    assert facts_in(content) == FACTS.without_place()
    assert b"instant" in content


def test_a_link_says_nothing_of_it(alice: Person, bob: Person) -> None:
    choose(alice, carried="all", keeps_place="on")
    photo = sent(alice)
    job = finished(alice.owner, photo)
    link = sharing.share(job, expires_in=None)
    addresses = [
        reverse("shared-photo", args=[link.token, photo.pk]),
        reverse("shared-output", args=[link.token, job.outputs.get().pk]),
    ]

    for address in [
        f"{each}?{query}" for each in addresses for query in ("download", "download&facts=all", "")
    ]:
        content = downloaded(bob.client, address)
        assert not [secret for secret in SECRETS if secret in content]
    shown = page(bob.client.get(reverse("shared", args=[link.token])))
    assert "Maker" not in shown
    assert "2020" not in shown


def test_the_admin_downloads_no_facts_of_others(alice: Person, ada: Person) -> None:
    photo = sent(alice)

    assert facts_in(downloaded(ada.client, f"/files/photos/{photo.pk}?download&facts=all")) == About()
    assert "Maker X1" not in page(ada.client.get(f"/library/{photo.pk}"))


def test_a_zip_carries_them_too(alice: Person) -> None:
    photo = sent(alice)

    response: Any = alice.client.post("/library/do", {"do": "zip", "photo": [str(photo.pk)]})

    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as archive:
        assert facts_in(archive.read(archive.namelist()[0])) == FACTS.without_place()


def test_the_page_of_a_photo_tells_them_to_its_owner(alice: Person) -> None:
    shown = page(alice.client.get(f"/library/{sent(alice).pk}"))

    for fact in (
        "2 January 2020, 03:04",
        "Maker X1",
        "1/250 s, f/2.8, ISO 400, 50 mm",
        "300 dots an inch",
        "Alice 2020",
    ):
        assert fact in shown
    assert "51.4778" not in shown


def test_programs_of_its_owner_are_told(alice: Person) -> None:
    photo = sent(alice)

    assert alice.client.get(f"/api/v1/photos/{photo.pk}").json()["about"] == FACTS.without_place().known()


@pytest.mark.parametrize("exif", [b"Exif\0\0rubbish", b"", exif_of(FACTS)[:40]])
def test_facts_that_cannot_be_read_do_no_harm(alice: Person, exif: bytes) -> None:
    assert sent(alice, encode(picture(), "JPEG", exif=exif)).about == {}
