"""Several photos and several steps in one request, as programs ask for them."""

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from jobs.models import Batch, Job, Preset
from jobs.queue import lifecycle, live
from tests.support import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("operations", "redis")]


def send(person: Any, method: str, path: str, body: Any = None, **headers: str) -> Any:
    data = "" if body is None else json.dumps(body)
    return person.client.generic(method, f"/api/v1/{path}", data, "application/json", headers=headers)


def ask(person: Any, photos: Any, **more: Any) -> Any:
    steps = [{"operation": "portrait", "params": {"format": "webp"}}, {"operation": "instant"}]
    return send(
        person, "POST", "batches", {"steps": steps, "photos": [str(each.pk) for each in photos], **more}
    )


def run_all(stored: Any) -> None:
    while claim := lifecycle.claim("cpu"):
        assert lifecycle.finish(claim, stored(claim))


def test_a_batch_is_asked_for_watched_and_taken_away(alice, photo, stored):
    photos = [photo(alice.owner) for _ in range(3)]
    response = ask(alice, photos, name="Holiday")
    made = response.json()
    assert (response.status_code, response["Location"]) == (202, f"/api/v1/batches/{made['id']}")
    assert made["counts"] == {"queued": 3, "blocked": 3}
    assert (made["status"], made["progress"], made["name"]) == ("queued", 0.0, "Holiday")
    assert [(job["item"], job["step"], job["operation"]) for job in made["jobs"][:2]] == [
        (0, 0, "portrait"),
        (0, 1, "instant"),
    ]
    run_all(stored)
    done = send(alice, "GET", f"batches/{made['id']}").json()
    assert (done["status"], done["progress"], done["eta"]) == ("succeeded", 1.0, None)
    assert done["ended_at"]
    archive = send(alice, "GET", f"batches/{made['id']}/zip")
    assert archive["Content-Disposition"] == 'attachment; filename="Holiday.zip"'
    names = zipfile.ZipFile(io.BytesIO(archive.getvalue())).namelist()
    assert len(set(names)) == 3
    assert all(name.startswith("blue-") for name in names)
    assert [each["id"] for each in send(alice, "GET", "batches").json()["items"]] == [made["id"]]
    listed = send(alice, "GET", f"jobs?batch={made['id']}").json()["items"]
    assert {(job["batch"], job["step"]) for job in listed} == {(made["id"], 0), (made["id"], 1)}


def test_a_batch_is_deleted_with_its_jobs(alice, photo):
    made = ask(alice, [photo(alice.owner)]).json()
    assert send(alice, "DELETE", f"batches/{made['id']}").status_code == 204
    assert not Job.objects.exists()
    assert not Batch.objects.exists()


def test_a_batch_is_cancelled_and_tried_again(alice, photo):
    made = ask(alice, [photo(alice.owner)]).json()
    cancelled = send(alice, "POST", f"batches/{made['id']}/cancel")
    assert cancelled.json()["counts"] == {"cancelled": 2}
    assert send(alice, "POST", f"batches/{made['id']}/cancel").status_code == 409
    assert send(alice, "POST", f"batches/{made['id']}/retry").status_code == 409


def test_what_all_photos_share_goes_into_the_slots_of_that_name(alice, photo):
    photos, style = [photo(alice.owner) for _ in range(2)], photo(alice.owner)
    refused = ask(alice, photos, inputs={"mask": str(style.pk)})
    assert (refused.status_code, refused.json()["reason"]) == (422, "unknown_slot_of_steps")
    assert ask(alice, photos, inputs={"style": str(style.pk)}).status_code == 202
    firsts = Job.objects.filter(step=0)
    assert [job.inputs.get(slot="style").asset for job in firsts] == [style, style]
    assert {job.inputs.get(slot="image").asset for job in firsts} == {*photos}
    assert not Job.objects.filter(step=1, inputs__slot="style").exists()


def test_where_the_first_step_takes_many_photos_they_go_into_one_job(alice, photo):
    photos = [str(photo(alice.owner).pk) for _ in range(3)]
    made = send(alice, "POST", "batches", {"steps": [{"operation": "nap"}], "photos": photos}).json()
    assert len(made["jobs"]) == 1
    assert [str(each.asset_id) for each in Job.objects.get().inputs.all()] == photos


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({}, 422, "steps_or_preset"),
        ({"steps": [{"operation": "nap"}], "preset": "x"}, 422, "steps_or_preset"),
        ({"preset": "nowhere"}, 404, "unknown_preset"),
        ({"steps": [{"operation": "juggle"}]}, 422, "unknown_operation"),
        ({"steps": [{"operation": "nap", "params": {"seconds": -1}}]}, 422, None),
        ({"steps": [{"operation": "nap"}] * 11}, 422, "too_many_steps"),
        ({"steps": [{"operation": "nap"}], "photos": ["0" * 32]}, 422, "unknown_photo"),
        ({"steps": [{"operation": "portrait"}]}, 422, "no_photos"),
        ({"steps": "nap"}, 422, None),
        ({"steps": [{"operation": "nap"}], "inputs": {"photo": 7}}, 422, None),
    ],
)
def test_what_is_wrong_is_said_and_leaves_nothing(alice, body, status, reason):
    response = send(alice, "POST", "batches", body)
    assert response.status_code == status, response.json()
    assert reason in (None, response.json()["reason"])
    assert response["Content-Type"] == "application/problem+json"
    assert not Job.objects.exists()
    assert not Batch.objects.exists()


def test_somebody_elses_photo_is_no_part_of_a_batch(alice, charlie, photo):
    assert ask(charlie, [photo(alice.owner)]).json()["reason"] == "unknown_photo"


def test_the_same_key_gives_the_same_batch(alice, photo):
    picture = photo(alice.owner)
    keyed = {"Idempotency-Key": "k"}
    body = {"steps": [{"operation": "nap"}], "photos": [str(picture.pk)]}
    first, again = (send(alice, "POST", "batches", body, **keyed).json()["id"] for _ in range(2))
    assert first == again
    other = send(alice, "POST", "batches", {**body, "name": "other"}, **keyed)
    assert other.status_code == 409


def test_a_preset_is_kept_used_changed_and_deleted(alice, charlie, photo):
    steps = [{"operation": "nap", "params": {"seconds": 2}}, {"operation": "instant"}]
    made = send(alice, "POST", "presets", {"name": "Slow", "steps": steps})
    preset = made.json()
    assert (made.status_code, preset["mine"], len(preset["steps"])) == (201, True, 2)
    assert made["Location"] == f"/api/v1/presets/{preset['id']}"
    batch = send(
        alice, "POST", "batches", {"preset": preset["id"], "photos": [str(photo(alice.owner).pk)]}
    ).json()
    assert [job["operation"] for job in batch["jobs"]] == ["nap", "instant"]
    assert Job.objects.get(step=0).params == {"seconds": 2.0}
    changed = send(alice, "PATCH", f"presets/{preset['id']}", {"name": "Slower"})
    assert changed.json()["name"] == "Slower"
    for method in ("GET", "PATCH", "DELETE"):
        assert send(charlie, method, f"presets/{preset['id']}", {}).status_code == 404
    assert preset["id"] not in {each["id"] for each in send(charlie, "GET", "presets").json()}
    assert send(charlie, "POST", "batches", {"preset": preset["id"]}).status_code == 404
    assert send(alice, "DELETE", f"presets/{preset['id']}").status_code == 204
    assert not Preset.objects.exists()


def test_a_preset_that_cannot_be_done_is_not_kept(alice):
    for steps in ([], [{"operation": "juggle"}], [{"operation": "nap", "params": {"wings": 2}}]):
        assert send(alice, "POST", "presets", {"name": "Odd", "steps": steps}).status_code == 422
    assert not Preset.objects.exists()


def test_a_preset_of_an_older_version_says_what_it_has_lost(alice):
    Preset.objects.create(
        owner=alice.owner,
        name="Old",
        steps=[{"operation": "nap", "version": 0, "params": {"seconds": 3, "wings": 2}, "seed": None}],
    )
    Preset.objects.create(
        owner=alice.owner,
        name="Gone",
        steps=[{"operation": "juggle", "version": 1, "params": {}, "seed": None}],
    )
    (old,) = (each for each in send(alice, "GET", "presets").json() if each["mine"])
    assert (old["steps"][0]["params"], old["left_out"]) == ({"seconds": 3}, ["Nap: wings"])


def test_the_presets_of_the_site_are_everybodys(alice, charlie, ada):
    kept = Preset.objects.create(
        name="House style", steps=[{"operation": "nap", "version": 1, "params": {}, "seed": None}]
    )
    for person in (alice, charlie, ada):
        assert str(kept.pk) in {each["id"] for each in send(person, "GET", "presets").json()}
    assert send(alice, "DELETE", f"presets/{kept.pk}").status_code == 404
    assert send(ada, "DELETE", f"presets/{kept.pk}").status_code == 204


@pytest.mark.slow
def test_an_answer_may_wait_for_the_end_of_a_batch(alice, photo, stored, redis):
    made = ask(alice, [photo(alice.owner)]).json()
    waited = send(alice, "GET", f"batches/{made['id']}", Prefer="wait=1")
    assert (waited["Preference-Applied"], waited.json()["status"]) == ("wait=1", "queued")
    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(live.wait_for_end, UUID(made["id"]), 30, lambda: False)
        wait_for(lambda: redis.client.pubsub_channels("latent:job:*:ended"))
        run_all(stored)
        told.result(timeout=20)
    ended = send(alice, "GET", f"batches/{made['id']}", Prefer="wait=30")
    assert ended.json()["status"] == "succeeded"
    assert "Preference-Applied" not in ended
