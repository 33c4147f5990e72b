"""What one owner, and the whole site, may be asked for at a time; and who guesses passwords."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from jobs.errors import Refused
from jobs.intake import limits
from jobs.models import Asset, Job, Owner
from jobs.queue import lifecycle
from tests.conftest import Person
from tests.support import saying, submit, submit_one

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


@pytest.fixture
def limit(settings: Any) -> Callable[..., None]:
    def change(**values: Any) -> None:
        settings.LATENT = settings.LATENT.model_copy(update=values)

    return change


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "free_bytes", lambda: 1_000_000)


def upload(client: Client, **headers: str) -> Any:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(buffer, "PNG")
    return client.post("/photos", {"file": SimpleUploadedFile("a.png", buffer.getvalue())}, headers=headers)


def test_an_owner_may_have_only_so_many_jobs_waiting(alice: Person, bob: Person, limit: Any) -> None:
    limit(member_queued_jobs=2)
    submit(alice.owner)
    submit(alice.owner)
    with pytest.raises(Refused) as refusal:
        submit(alice.owner)
    assert (refusal.value.code, refusal.value.status, refusal.value.retry_after) == ("too_many_jobs", 429, 60)
    assert Job.objects.count() == 2
    submit(bob.owner)
    lifecycle.claim("cpu")
    submit(alice.owner)


def test_trying_again_is_limited_like_a_new_job_but_not_for_the_admin(
    alice: Person, ada: Person, limit: Any
) -> None:
    limit(member_queued_jobs=1)
    submit(alice.owner)
    failed = lifecycle.claim("cpu")
    assert failed
    lifecycle.fail(failed, "internal", saying("It broke."))
    submit(alice.owner)
    refused = alice.client.post(f"/jobs/{failed.job.uuid}/retry", follow=True)
    assert "and no more fit" in refused.content.decode()
    assert Job.objects.get(pk=failed.job.pk).status == Job.Status.FAILED
    chosen = {"action": "requeue_jobs", "_selected_action": failed.job.pk}
    ada.client.post("/admin/jobs/job/?status__exact=failed", chosen)
    assert Job.objects.get(pk=failed.job.pk).status == Job.Status.QUEUED


def test_the_form_says_so_and_when_to_come_back(alice: Person, limit: Any) -> None:
    limit(member_queued_jobs=1)
    assert alice.client.post("/new/instant").status_code == 302
    refused = alice.client.post("/new/instant")
    assert (refused.status_code, refused["Retry-After"]) == (429, "60")
    assert "You have 1 jobs waiting, and no more fit." in refused.content.decode()
    assert "Retry-After" not in alice.client.get("/new/instant")


def test_a_fresh_session_is_no_fresh_start_for_a_visitor(visitor: Owner, alice: Person, limit: Any) -> None:
    limit(visitor_queued_jobs=1)
    submit(visitor)
    with pytest.raises(Refused):
        submit(Owner.objects.create(address=visitor.address))
    submit(Owner.objects.create(address="elsewhere"))
    submit(alice.owner)


def test_what_waits_may_have_only_so_many_megapixels(alice: Person, photo: Any, limit: Any) -> None:
    limit(member_queued_megapixels=3)
    large = {"photo": [photo(alice.owner, 2000, 1000)]}
    submit_one(alice.owner, "instant", {}, large)
    with pytest.raises(Refused, match="more than 3 megapixels together") as refusal:
        submit_one(alice.owner, "instant", {}, large)
    assert (refusal.value.code, refusal.value.status, refusal.value.retry_after) == (
        "too_many_megapixels",
        429,
        60,
    )
    assert Job.objects.count() == 1
    lifecycle.claim("cpu")
    limit(member_queued_megapixels=1)
    submit_one(alice.owner, "instant", {}, large)


def test_uploads_are_limited_by_the_hour(alice: Person, bob: Person, limit: Any) -> None:
    limit(member_uploads_per_hour=2)
    assert upload(alice.client).status_code == 302
    assert upload(alice.client).status_code == 302
    refused = upload(alice.client)
    assert refused.status_code == 429
    assert 3500 < int(refused["Retry-After"]) <= 3600
    assert "You have sent 2 photos within an hour" in refused.content.decode()
    scripted = upload(alice.client, accept="application/json")
    assert (scripted.status_code, scripted.json()["code"]) == (429, "too_many_uploads")
    assert scripted["Retry-After"]
    assert Asset.objects.count() == 2
    assert upload(bob.client).status_code == 302


def test_what_an_owner_stores_is_limited(alice: Person, photo: Any, limit: Any) -> None:
    limit(member_stored_megabytes=1)
    Asset.objects.filter(pk=photo(alice.owner).pk).update(bytes=999_990)
    refused = upload(alice.client)
    assert refused.status_code == 413
    assert "Delete some" in refused.content.decode()
    assert Asset.objects.count() == 1


def test_a_full_queue_takes_no_more_and_the_page_says_so(alice: Person, bob: Person, limit: Any) -> None:
    limit(max_waiting_jobs=1)
    assert "no more are taken" not in bob.client.get("/").content.decode()
    submit(alice.owner)
    with pytest.raises(Refused) as refusal:
        submit(bob.owner)
    assert (refusal.value.code, refusal.value.status) == ("queue_full", 503)
    assert "no more are taken" in bob.client.get("/").content.decode()
    lifecycle.claim("cpu")
    submit(bob.owner)


def test_a_nearly_full_disk_takes_nothing_new_and_the_page_says_so(alice: Person, full_disk: None) -> None:
    assert upload(alice.client).status_code == 507
    with pytest.raises(Refused):
        submit(alice.owner)
    assert "nearly full" in alice.client.get("/").content.decode()
    assert not Asset.objects.exists()


def test_a_program_is_told_when_to_come_back(alice: Person, full_disk: None) -> None:
    response = Client().post(
        "/api/v1/jobs",
        {"operation": "instant"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {alice.token}"},
    )
    assert (response.status_code, response.json()["code"]) == (507, "disk_full")
    assert response["Retry-After"] == "600"


def test_guessing_a_password_is_slowed_down_and_locks_nobody_else_out(alice: Person) -> None:
    guesser = Client(REMOTE_ADDR="203.0.113.5")
    answers = [guesser.post("/login", {"username": "alice", "password": f"{n}"}) for n in range(11)]
    assert [answer.status_code for answer in answers[:9]] == [200] * 9
    assert answers[-1].status_code == 429
    assert answers[-1]["Retry-After"] == "900"
    assert "Try again in 15 minutes" in answers[-1].content.decode()
    right = {"username": "alice", "password": "alice"}
    assert guesser.post("/login", right).status_code == 429
    assert Client(REMOTE_ADDR="203.0.113.6").post("/login", right).status_code == 302


@pytest.mark.slow
def test_the_admin_is_guarded_against_guessing_too(ada: Person) -> None:
    guesser = Client()
    for _ in range(10):
        guesser.post("/admin/login/", {"username": "ada", "password": "wrong"})
    assert guesser.post("/admin/login/", {"username": "ada", "password": "ada"}).status_code == 429


def test_a_member_takes_everything_along(alice: Person, bob: Person, photo: Any, stored: Any) -> None:
    picture = photo(alice.owner)
    submit_one(alice.owner, "instant", {}, {"photo": [picture]})
    claim = lifecycle.claim("cpu")
    assert claim
    lifecycle.finish(claim, stored(claim))
    photo(bob.owner)
    response = alice.client.get("/account/export")
    assert response["Content-Disposition"] == 'attachment; filename="latent.zip"'
    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))  # type: ignore[attr-defined]
    assert archive.testzip() is None
    told = json.loads(archive.read("latent.json"))
    (job,) = told["jobs"]
    assert (job["operation"], job["status"]) == ("instant", "succeeded")
    assert archive.read(job["inputs"][0]["file"]) == picture.file.read()
    assert archive.read(job["outputs"][0]) == b"picture"
    assert len(archive.namelist()) == 3
    assert Client().get("/account/export").status_code == 302
