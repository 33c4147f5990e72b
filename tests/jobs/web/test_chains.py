"""Steps that are put together on pages, started for many photos, watched, and kept under a name."""

import json
import re
from typing import Any
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from jobs.models import Batch, Draft, Job, Preset
from jobs.queue import lifecycle
from ml import registry as ml_registry
from tests.support import saying

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("operations", "redis")]


BAD_SEED = json.dumps({"operation": "nap", "params": {}, "seed": "x"}).encode()


def words(response: Any) -> str:
    """What a page says, without its tags."""
    text = re.sub(r"<[^>]+>", " ", response.content.decode())
    return " ".join(text.split())


def begin(person: Any, photos: Any, **settings: str) -> Draft:
    """A first step was chosen, and more is to follow."""
    named = {"slot-image": [str(each.pk) for each in photos]}
    response = person.client.post("/new/portrait", {**named, "format": "png", "then": "yes", **settings})
    draft = Draft.objects.order_by("created_at").last()
    assert response["Location"] == f"/choose?draft={draft.pk}"
    return draft


def started(person: Any, draft: Draft) -> Batch:
    response = person.client.post(f"/drafts/{draft.pk}/start")
    assert response.status_code == 302, words(response)
    return Batch.objects.get(pk=UUID(response["Location"].rpartition("/")[2]))


def run_all(stored: Any) -> None:
    while claim := lifecycle.claim("cpu"):
        assert lifecycle.finish(claim, stored(claim))


def test_steps_are_chosen_one_after_the_other_and_started(alice, photo):
    draft = begin(alice, [photo(alice.owner), photo(alice.owner)], format="webp")
    page = words(alice.client.get(f"/choose?draft={draft.pk}"))
    assert "One step after the other Portrait WebP Leave out" in page
    assert "Start with 2 photos" in page
    assert "Blunder" in page
    form = words(alice.client.get(f"/new/nap?draft={draft.pk}"))
    assert "Add this step" in form
    assert "Portrait" in form
    assert "About 3 s on this machine" in words(
        alice.client.post("/new/nap/cost", {"draft": str(draft.pk), "seconds": "1.5"})
    )
    added = alice.client.post("/new/nap", {"draft": str(draft.pk), "seconds": "1.5"})
    assert added["Location"] == f"/choose?draft={draft.pk}"
    assert not Job.objects.exists()
    batch = started(alice, draft)
    assert [(job.operation, job.status) for job in batch.jobs.order_by("pk")] == [
        ("portrait", "queued"), ("nap", "blocked"), ("portrait", "queued"), ("nap", "blocked")
    ]  # fmt: skip


def test_a_step_is_left_out_again(alice, photo):
    draft = begin(alice, [photo(alice.owner)])
    alice.client.post("/new/nap", {"draft": str(draft.pk), "seconds": "1"})
    alice.client.post(f"/drafts/{draft.pk}/steps/0/drop")
    draft.refresh_from_db()
    assert [step["operation"] for step in draft.steps] == ["nap"]


def test_what_all_photos_share_is_kept_with_the_step(alice, photo):
    pictures, style = [photo(alice.owner) for _ in range(2)], photo(alice.owner)
    draft = begin(alice, pictures, **{"slot-style": str(style.pk)})
    batch = started(alice, draft)
    assert [job.inputs.get(slot="style").asset for job in batch.jobs.all()] == [style, style]


def test_what_could_not_be_done_is_refused_before_it_is_a_step(alice, photo):
    draft = begin(alice, [photo(alice.owner)])
    refused = alice.client.post("/new/nap", {"draft": str(draft.pk), "seconds": "3000"})
    assert refused.status_code == 422
    assert "min" in words(refused)
    draft.refresh_from_db()
    assert len(draft.steps) == 1


def test_an_operation_that_does_not_fit_is_not_offered(alice, monkeypatch):
    monkeypatch.setattr(ml_registry, "OPERATIONS", ("ml.transform", "ml.train_classifier", "ml.classify"))
    ml_registry.registry.cache_clear()
    step = {"operation": "train-classifier", "params": {}, "seed": None, "inputs": {}}
    draft = Draft.objects.create(owner=alice.owner, photos=[], steps=[step])
    page = alice.client.get(f"/choose?draft={draft.pk}").content.decode()
    assert f"/new/classify?draft={draft.pk}" in page
    assert "/new/transform" not in page


def test_the_page_of_a_batch_shows_every_photo_in_its_place(alice, photo, stored):
    batch = started(alice, begin(alice, [photo(alice.owner) for _ in range(3)]))
    page = words(alice.client.get(f"/batches/{batch.pk}"))
    assert "0 of 3, about" in page
    assert page.count("Waits") == 3
    lifecycle.finish(claim := lifecycle.claim("cpu"), stored(claim))
    lifecycle.fail(lifecycle.claim("cpu"), "internal", saying("Oh no."))
    page = words(alice.client.get(f"/batches/{batch.pk}"))
    assert "1 of 3, about" in page
    assert "Oh no." in page
    assert "Try the failed ones again" in page
    run_all(stored)
    assert "2 of 3 are done" in words(alice.client.get(f"/batches/{batch.pk}"))
    alice.client.post(f"/batches/{batch.pk}/retry")
    run_all(stored)
    assert "All 3 are done" in words(alice.client.get(f"/batches/{batch.pk}"))


def test_a_page_that_has_what_there_is_to_see_is_told_so(alice, photo, stored):
    batch = started(alice, begin(alice, [photo(alice.owner) for _ in range(2)]))
    version = re.search(r"status\?v=(\w+)", alice.client.get(f"/batches/{batch.pk}").content.decode())[1]
    assert alice.client.get(f"/batches/{batch.pk}/status?v={version}").status_code == 204
    run_all(stored)
    assert "All 2 are done" in words(alice.client.get(f"/batches/{batch.pk}/status?v={version}"))


def test_batches_are_found_again(alice, charlie, photo, stored):
    draft = begin(alice, [photo(alice.owner) for _ in range(3)])
    alice.client.post("/new/nap", {"draft": str(draft.pk), "seconds": "1"})
    batch = started(alice, draft)
    assert "Portrait → Nap 3 photos, at work" in words(alice.client.get("/batches/"))
    run_all(stored)
    page = alice.client.get("/batches/")
    assert "Portrait → Nap 3 photos, " in words(page)
    assert f"/batches/{batch.pk}" in page.content.decode()
    assert f"/batches/{batch.pk}" in alice.client.get(f"/jobs/{batch.jobs.first().uuid}").content.decode()
    assert "Nothing yet" in words(charlie.client.get("/batches/"))


def test_a_step_that_was_called_off_says_why(alice, photo):
    draft = begin(alice, [photo(alice.owner)])
    alice.client.post("/new/nap", {"draft": str(draft.pk), "seconds": "1"})
    batch = started(alice, draft)
    lifecycle.fail(lifecycle.claim("cpu"), "internal", saying("Oh no."))
    page = words(alice.client.get(f"/jobs/{batch.jobs.get(step=1).uuid}"))
    assert "“Portrait”, which comes before it, did not succeed" in page


def test_a_batch_is_cancelled_and_deleted_from_its_page(alice, photo):
    batch = started(alice, begin(alice, [photo(alice.owner) for _ in range(2)]))
    alice.client.post(f"/batches/{batch.pk}/cancel")
    assert {job.status for job in batch.jobs.all()} == {"cancelled"}
    assert alice.client.post(f"/batches/{batch.pk}/cancel").status_code == 302
    alice.client.post(f"/batches/{batch.pk}/delete")
    assert not Job.objects.exists()


def test_a_changed_last_step_is_all_that_runs_again(alice, photo, stored):
    pictures = [photo(alice.owner) for _ in range(2)]
    draft = begin(alice, pictures)
    alice.client.post("/new/nap", {"draft": str(draft.pk), "seconds": "1"})
    batch = started(alice, draft)
    run_all(stored)
    again = alice.client.post(f"/batches/{batch.pk}/again", {"photos": "same"})
    draft = Draft.objects.get(pk=again["Location"].partition("=")[2])
    assert draft.photos == [str(each.pk) for each in pictures]
    alice.client.post(f"/drafts/{draft.pk}/steps/1/drop")
    alice.client.post("/new/nap", {"draft": str(draft.pk), "seconds": "2"})
    repeated = started(alice, draft)
    assert [(job.operation, job.step) for job in repeated.jobs.order_by("pk")] == [("nap", 1), ("nap", 1)]
    assert {job.attempt for job in batch.jobs.all()} == {1}


def test_a_changed_step_may_be_changed_once_more(alice, photo, stored):
    """Of what ran again only the last steps are jobs; photos and what they share are known all the same."""
    pictures, style = [photo(alice.owner) for _ in range(2)], photo(alice.owner)
    draft = begin(alice, pictures, **{"slot-style": str(style.pk)})
    alice.client.post("/new/nap", {"draft": str(draft.pk), "seconds": "1"})
    batch = started(alice, draft)
    for seconds in ("2", "3"):
        run_all(stored)
        address = alice.client.post(f"/batches/{batch.pk}/again", {"photos": "same"})["Location"]
        draft = Draft.objects.get(pk=address.partition("=")[2])
        assert draft.photos == [str(each.pk) for each in pictures]
        assert draft.steps[0]["inputs"] == {"style": [str(style.pk)]}
        alice.client.post(f"/drafts/{draft.pk}/steps/1/drop")
        alice.client.post("/new/nap", {"draft": str(draft.pk), "seconds": seconds})
        batch = started(alice, draft)
        assert [job.step for job in batch.jobs.order_by("pk")] == [1, 1]
        assert "2 photos, at work" in words(alice.client.get("/batches/"))


def test_what_was_drawn_at_random_is_not_drawn_again(alice, photo, stored):
    named = {"slot-photo": [str(photo(alice.owner).pk) for _ in range(2)]}
    address = alice.client.post("/new/instant", {**named, "then": "yes"})["Location"]
    draft = Draft.objects.get(pk=address.partition("=")[2])
    alice.client.post("/new/nap", {"draft": str(draft.pk), "seconds": "1"})
    batch = started(alice, draft)
    run_all(stored)
    assert len({job.seed for job in batch.jobs.filter(step=0)}) == 1
    alice.client.post("/presets/", {"batch": str(batch.pk), "name": "Drawn anew"})
    assert [step["seed"] for step in Preset.objects.get().steps] == [None, None]
    address = alice.client.post(f"/batches/{batch.pk}/again", {"photos": "same"})["Location"]
    again = started(alice, Draft.objects.get(pk=address.partition("=")[2]))
    assert {job.step for job in again.jobs.all()} == {1}


def test_the_same_is_done_to_more(alice, photo, stored):
    batch = started(alice, begin(alice, [photo(alice.owner) for _ in range(2)]))
    address = alice.client.post(f"/batches/{batch.pk}/again")["Location"]
    page = words(alice.client.get(address))
    assert "Drop photos anywhere" in page
    draft = address.partition("=")[2]
    more = [str(photo(alice.owner).pk) for _ in range(2)]
    assert alice.client.post("/choose", {"draft": draft, "photo": more})["Location"] == address
    assert "Start with 2 photos" in words(alice.client.get(address))
    assert started(alice, Draft.objects.get(pk=draft)).jobs.count() == 2


def test_without_a_script_photos_go_into_the_draft_too(alice, photo):
    batch = started(alice, begin(alice, [photo(alice.owner) for _ in range(2)]))
    address = alice.client.post(f"/batches/{batch.pk}/again")["Location"]
    with photo(alice.owner).file.open("rb") as file:
        sent = {"draft": address.partition("=")[2], "file": SimpleUploadedFile("a.png", file.read())}
    assert alice.client.post("/photos", sent)["Location"] == address


def test_a_preset_is_saved_used_taken_away_and_brought_back(alice, charlie, photo):
    draft = begin(alice, [photo(alice.owner)], format="webp")
    alice.client.post("/presets/", {"draft": str(draft.pk), "name": "Portraits"})
    preset = Preset.objects.get()
    assert "Portraits Portrait WebP" in words(alice.client.get("/presets/"))
    photos = [photo(alice.owner) for _ in range(2)]
    offered = alice.client.post("/choose", {"photo": [str(each.pk) for each in photos]})["Location"]
    assert "Portraits" in words(alice.client.get(offered))
    sent = {"draft": offered.partition("=")[2], "preset": str(preset.pk)}
    assert alice.client.post("/presets/start", sent)["Location"].startswith("/batches/")
    assert Job.objects.filter(params__format="webp").count() == 2
    file = alice.client.get(f"/presets/{preset.pk}/recipe.json").content
    assert charlie.client.get(f"/presets/{preset.pk}/recipe.json").status_code == 404
    charlie.client.post("/presets/", {"file": SimpleUploadedFile("p.json", file)})
    assert charlie.owner.presets.get().name == "Portraits"
    assert charlie.client.post(f"/presets/{preset.pk}/delete").status_code == 404
    alice.client.post(f"/presets/{preset.pk}/delete")
    assert not alice.owner.presets.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"{",
        b'{"steps": []}',
        b'{"steps": [{"operation": "nap"}]}',
        b"[" * 100_000,
        BAD_SEED,
    ],
)
def test_a_file_that_is_no_recipe_is_refused_in_words(alice, content):
    response = alice.client.post("/presets/", {"file": SimpleUploadedFile("p.json", content)})
    assert response.status_code == 422
    assert "not a recipe of Latent" in words(response)
    assert not Preset.objects.exists()


def test_nobody_sees_or_changes_what_is_somebody_elses(alice, charlie, photo):
    draft = begin(alice, [photo(alice.owner) for _ in range(2)])
    batch = started(alice, draft)
    for address in (f"batches/{batch.pk}", f"batches/{batch.pk}/status", f"batches/{batch.pk}/results.zip"):
        assert charlie.client.get(f"/{address}").status_code == 404
    for address in (
        *(f"batches/{batch.pk}/{what}" for what in ("cancel", "retry", "delete", "again")),
        *(f"drafts/{draft.pk}/{what}" for what in ("start", "steps/0/drop")),
    ):
        assert charlie.client.post(f"/{address}").status_code == 404
    assert charlie.client.post("/presets/", {"batch": str(batch.pk), "name": "Mine"}).status_code == 404
    assert charlie.client.post("/choose", {"draft": str(draft.pk), "photo": []}).status_code == 404
