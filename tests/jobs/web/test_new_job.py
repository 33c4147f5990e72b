"""From a photo to a job, as a browser without a script gets there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from jobs.access import sharing
from jobs.models import Asset, Batch, Job, Owner
from ml import registry as ml_registry
from ml.core import recipe as recipes
from tests.conftest import Person
from tests.jobs.web.pages import finished, page, png, upload, uploaded
from tests.support import submit_one

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


# From a photo to a job -----------------------------------------------------------------------------------


def test_a_visitor_uploads_chooses_and_starts() -> None:
    client = Client(enforce_csrf_checks=False)
    assert client.get("/").status_code == 200
    chosen = upload(client)
    assert chosen.status_code == 302
    assert chosen["Location"].startswith("/choose?photo=")
    offers = page(client.get(chosen["Location"]))
    photo = parse_qs(urlsplit(chosen["Location"]).query)["photo"][0]
    assert f"/new/instant?photo={photo}" in offers
    started = client.post("/new/instant", {"slot-photo": photo})
    job = Job.objects.get()
    assert started["Location"] == f"/jobs/{job.uuid}"
    assert [str(item.asset_id) for item in job.inputs.all()] == [photo]
    assert "Next in line" in page(client.get(started["Location"]))


def test_a_form_takes_a_file_without_an_upload_before() -> None:
    client = Client()
    started = client.post("/new/instant", {"file-photo": SimpleUploadedFile("a.png", png())})
    assert started.status_code == 302
    assert Job.objects.get().inputs.count() == 1


def test_a_sample_photo_becomes_the_visitors_own(client: Client) -> None:
    response = client.post("/photos", {"sample": "coffee"})
    assert response.status_code == 302
    photo = Asset.objects.get()
    assert (photo.width, photo.height, photo.owner) == (600, 400, Owner.objects.get())


def test_several_photos_make_a_job_each_where_one_is_wanted(client: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(ml_registry, "OPERATIONS", ("ml.transform",))
    ml_registry.registry.cache_clear()
    photos = [uploaded(client, png(color=color)) for color in ("red", "green", "blue")]
    form = client.get("/new/transform?" + "&".join(f"photo={photo}" for photo in photos))
    assert "Start with 3 photos" in page(form)
    response = client.post("/new/transform", {"slot-image": photos, "percent": "10"})
    assert response["Location"] == f"/batches/{Batch.objects.get().pk}"
    assert Job.objects.count() == 3


def test_a_refused_upload_leaves_the_form_with_its_settings_and_a_sentence(client: Client) -> None:
    response = client.post(
        "/new/nap",
        {"seconds": "3.5", "file-photo": SimpleUploadedFile("a.png", b"no picture at all, really")},
    )
    assert response.status_code == 422
    assert "not a picture or video we can read" in page(response)
    assert 'value="3.5"' in page(response)
    assert not Job.objects.exists()


def test_wrong_settings_are_refused_in_words_at_the_field(client: Client) -> None:
    response = client.post("/new/nap", {"seconds": "-1"})
    assert response.status_code == 422
    assert "greater than or equal to 0" in page(response)


def test_the_cost_is_told_before_the_start(client: Client) -> None:
    told = page(client.post("/new/nap/cost", {"seconds": "30"}))
    assert "About 30 s on this machine." in told
    submit_one(None, "nap", {}, {})
    assert "1 ahead of you" in page(client.post("/new/nap/cost", {"seconds": "30"}))


def test_an_upload_by_a_script_gets_json(client: Client) -> None:
    headers = {"Accept": "application/json"}
    response = client.post("/photos", {"file": SimpleUploadedFile("a.png", png())}, headers=headers)
    assert response.status_code == 201
    assert response.json()["width"] == 40
    refused = client.post("/photos", {"file": SimpleUploadedFile("a.png", b"junk" * 20)}, headers=headers)
    assert refused.status_code == 422
    assert refused.json()["detail"].endswith(".")


def test_another_visitors_photo_cannot_be_used(client: Client, alice: Person) -> None:
    photo = uploaded(alice.client)
    client.post("/new/instant", {"slot-photo": photo})
    assert not Job.objects.filter(inputs__asset=photo).exists()
    assert client.get(f"/choose?photo={photo}").status_code == 404


# Recipes -------------------------------------------------------------------------------------------------


def with_recipe(tmp_path: Path, recipe: dict[str, Any]) -> bytes:
    source, target = tmp_path / "plain.png", tmp_path / "result.png"
    source.write_bytes(png())
    recipes.copy(source, target, recipe)
    return target.read_bytes()


def test_a_result_that_is_dropped_opens_its_operation_with_those_settings(
    client: Client, tmp_path: Path
) -> None:
    original = uploaded(client, png(color="navy"))
    digest = Asset.objects.get(pk=original).sha256
    recipe = {"operation": "nap", "params": {"seconds": 12.5}, "seed": 0, "inputs": {"photo": [digest]}}
    response = upload(client, with_recipe(tmp_path, recipe), "result.png")
    assert response["Location"].startswith("/new/nap?")
    form = page(client.get(response["Location"]))
    assert 'value="12.5"' in form
    assert f'name="slot-photo" value="{original}"' in form


@pytest.mark.parametrize(
    "recipe", [{}, {"operation": "none"}, {"operation": "nap", "params": {"seconds": -4}}]
)
def test_a_recipe_that_makes_no_sense_is_no_recipe(
    client: Client, tmp_path: Path, recipe: dict[str, Any]
) -> None:
    assert upload(client, with_recipe(tmp_path, recipe))["Location"].startswith("/choose?")


def test_the_owners_download_carries_the_recipe_and_a_shares_only_if_it_says_so(
    alice: Person, client: Client, tmp_path: Path
) -> None:
    job = finished(alice.owner)
    output = job.outputs.get()
    plain = sharing.share(job, expires_in=None)
    telling = sharing.share(job, expires_in=None, recipe=True)

    def recipe_at(browser: Client, address: str) -> Any:
        response = browser.get(f"{address}?download")
        content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
        assert int(response["Content-Length"]) == len(content)
        path = tmp_path / "download.png"
        path.write_bytes(content)
        assert Image.open(path).size == (40, 30)
        return recipes.extract(path)

    assert recipe_at(alice.client, reverse("output-file", args=[output.id])) == job.recipe
    assert recipe_at(client, reverse("shared-output", args=[plain.token, output.id])) is None
    assert recipe_at(client, reverse("shared-output", args=[telling.token, output.id])) == job.recipe


def test_a_video_player_gets_the_range_it_asks_for(alice: Person) -> None:
    job = finished(alice.owner)
    response = alice.client.get(
        reverse("output-file", args=[job.outputs.get().id]), headers={"Range": "bytes=4-9"}
    )
    assert response.status_code == 206
    assert b"".join(response.streaming_content) == png()[4:10]  # type: ignore[attr-defined]
    assert response["Content-Range"] == f"bytes 4-9/{len(png())}"


@pytest.mark.usefixtures("real_operations")
@pytest.mark.parametrize(("operation", "said"), [("deep-dream", True), ("transform", False)])
def test_what_takes_the_first_frame_of_an_animation_says_so_before_it_starts(
    alice: Person, photo: Callable[..., Asset], operation: str, said: bool
) -> None:
    picture = photo(alice.owner, 64, 64)
    Asset.objects.filter(pk=picture.pk).update(kind="animation", frames=6)

    shown = alice.client.get(f"/new/{operation}?photo={picture.pk}").content.decode()

    assert ("takes the first frame alone" in shown) is said
