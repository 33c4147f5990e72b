"""Photos that come in from the page, one or a hundred, and what a result of Latent says of itself."""

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

from jobs.library import retention
from jobs.models import Asset, Draft, Job
from jobs.web.views import uploads
from ml.registry import registry
from tests.conftest import Person
from tests.fuzz.corpus import with_recipe
from tests.support import submit_one

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis", "real_operations")]

SCRIPT = {"Accept": "application/json"}


def png(color: str = "teal") -> SimpleUploadedFile:
    buffer = io.BytesIO()
    Image.new("RGB", (12, 8), color).save(buffer, "PNG")
    return SimpleUploadedFile(f"{color}.png", buffer.getvalue(), "image/png")


@pytest.mark.slow
def test_a_hundred_photos_lead_to_an_address_that_any_server_takes(alice: Person, photo: Any) -> None:
    ids = [str(photo(alice.owner).id) for _ in range(100)]
    led = alice.client.post("/choose", {"photo": ids})
    assert len(led["Location"]) < 100
    page = alice.client.get(led["Location"])
    shown = [shown.id for shown in page.context["photos"]]
    assert shown == ids[: len(shown)]
    assert page.context["count"] == len(shown) + page.context["more"] == 100
    offers = [offer for group in page.context["groups"] for offer in group["offers"]]
    form = next(offer["url"] for offer in offers if offer["operation"].slug == "denoise")
    assert len(form) < 200
    (main, _reference) = alice.client.get(form).context["draft"].slots
    assert [str(each.id) for each in main.photos] == ids


def test_photos_sent_together_without_a_script_lead_to_the_same(alice: Person) -> None:
    led = alice.client.post("/photos", {"file": [png("red"), png("blue")]})
    assert [shown.name for shown in alice.client.get(led["Location"]).context["photos"]] == [
        "red.png",
        "blue.png",
    ]


def test_the_drafts_of_others_are_not_there(alice: Person, charlie: Person, ada: Person, photo: Any) -> None:
    ids = [str(photo(alice.owner).id) for _ in range(2)]
    address = alice.client.post("/choose", {"photo": ids})["Location"]
    form = address.replace("/choose", "/new/denoise")
    for client in (charlie.client, ada.client, Client()):
        assert client.get(address).status_code == client.get(form).status_code == 404


def test_a_draft_is_gone_after_a_day(alice: Person, photo: Any) -> None:
    alice.client.post("/choose", {"photo": [str(photo(alice.owner).id) for _ in range(2)]})
    assert retention.clean()["drafts"] == 0
    Draft.objects.update(created_at=timezone.now() - timedelta(days=1, minutes=1))
    assert retention.clean()["drafts"] == 1


def test_a_script_is_told_of_every_photo_that_it_sent(client: Client) -> None:
    told = client.post("/photos", {"file": [png("red"), png("blue")]}, headers=SCRIPT).json()
    assert [each["name"] for each in told["photos"]] == ["red.png", "blue.png"]
    assert Asset.objects.count() == 2


def test_a_script_is_refused_with_a_problem(client: Client) -> None:
    refused = client.post("/photos", {"file": SimpleUploadedFile("a.png", b"no picture")}, headers=SCRIPT)
    assert (refused.status_code, refused["Content-Type"]) == (422, "application/problem+json")
    assert refused.json()["code"] == "not_a_picture"


def test_what_is_too_large_is_not_searched_for_a_recipe(
    client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[Path] = []
    monkeypatch.setattr(uploads, "extract", searched.append)
    settings.LATENT = settings.LATENT.model_copy(update={"max_upload_megapixels": 0.00001})
    assert client.post("/photos", {"file": png()}, headers=SCRIPT).status_code == 422
    assert searched == []


TOLD = {"operation": "denoise", "version": 1, "params": {}, "inputs": {}, "seed": 0}
ODD = (
    None, True, -1, 10**30, 1.5, float("inf"), "x", "\0", "\ud800", "x" * 5000, [], ["x"], [None], [[]], {}, {"x": "x"},
    {"image": "abc"}, {"image": [1, None]}, {"image": ["\0", "\ud800"]}, {"image": {"x": []}}, {"": []}, {"\ud800": [{}]},
    {"image": ["x"] * 5000}, {"format": "\ud800"}, {"method": []}, {"sigma": 10**400}, {"sigma": float("nan")},
)  # fmt: skip
"""What a field of a recipe may hold instead of what it should."""


@pytest.mark.sampled(1)
@pytest.mark.parametrize("field", TOLD)
def test_a_recipe_of_odd_fields_is_no_reason_to_refuse_a_photo(client: Client, field: str) -> None:
    for wrong in ODD:
        told = TOLD | {field: wrong}
        sent = client.post("/photos", {"file": carrying(told)}, headers=SCRIPT)
        assert sent.status_code == 201, wrong
        if again := sent.json()["again"]:
            assert client.get(again).status_code == 200, wrong
            assert len(again) < 4000, wrong
    assert not Job.objects.exists()


def test_a_recipe_without_a_field_is_no_reason_to_refuse_a_photo(client: Client) -> None:
    for field in TOLD:
        told = {name: value for name, value in TOLD.items() if name != field}
        sent = client.post("/photos", {"file": carrying(told)}, headers=SCRIPT)
        assert sent.status_code == 201, field


def test_whatever_goes_wrong_with_a_recipe_the_photo_is_taken(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("unforeseen")

    monkeypatch.setattr(uploads, "form_url", fail)
    sent = client.post("/photos", {"file": carrying(TOLD)}, headers=SCRIPT)
    assert (sent.status_code, sent.json()["again"]) == (201, None)


def test_of_files_that_are_refused_together_none_is_kept(
    client: Client, media: Any, django_capture_on_commit_callbacks: Any
) -> None:
    files = [png("red"), SimpleUploadedFile("a.png", b"no picture")]
    with django_capture_on_commit_callbacks(execute=True):
        refused = client.post("/photos", {"file": files}, headers=SCRIPT)
    assert refused.status_code == 422
    assert not Asset.objects.exists()
    assert not media()


def carrying(told: dict[str, Any]) -> SimpleUploadedFile:
    """A picture that carries this as its recipe."""
    return SimpleUploadedFile("a.png", with_recipe(png().read(), json.dumps(told).encode()))


def test_a_job_of_ninety_photos_is_begun_again_with_all_of_them(
    alice: Person, charlie: Person, photo: Any
) -> None:
    first, second = ([photo(alice.owner) for _ in range(90)] for _ in range(2))
    inputs = {"first": first, "second": second}
    slots = [slot.name for slot in registry().get("train-classifier").inputs if slot.maximum >= 90][:2]
    job = submit_one(alice.owner, "train-classifier", {}, dict(zip(slots, inputs.values(), strict=True)))
    address = alice.client.get(f"/jobs/{job.uuid}").context["presenter"].again_url
    assert len(address) < 1000
    form = alice.client.get(address)
    there = {field.slot.name: field.photos for field in form.context["draft"].slots if field.photos}
    assert there == dict(zip(slots, (first, second), strict=True))
    assert charlie.client.get(address).status_code == 404


def test_no_param_is_named_like_what_an_address_says_of_photos() -> None:
    reserved = {"photo", "draft", "into", "again"}
    for operation in registry().all():
        assert not reserved & set(operation.params.model_fields), operation.slug
