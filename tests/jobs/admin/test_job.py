"""The page of a job in the admin, and its end."""

import pytest
from django.urls import reverse

from jobs.models import Asset, Job, Owner
from tests.jobs.admin.jobs import JOBS, act, failed, page_of, succeeded, waiting
from tests.jobs.conftest import assert_counters_true

pytestmark = pytest.mark.django_db

Status = Job.Status


# Deleting ------------------------------------------------------------------------------------------------


def test_deleting_jobs_takes_their_files_and_places_along(
    ada, alice, stored, media, django_capture_on_commit_callbacks
):
    done, job = succeeded(alice.owner, outcome=stored), waiting(alice.owner)
    assert len(media()) == 1
    question = act(ada.client, "delete_selected", done, job)
    assert str(done) in question.text
    assert Job.objects.count() == 2
    with django_capture_on_commit_callbacks(execute=True):
        act(ada.client, "delete_selected", done, job, post="yes")
    assert not Job.objects.exists()
    assert not media()
    assert_counters_true()


def test_deleting_one_job_takes_its_files_and_its_place_along(
    ada, alice, stored, media, django_capture_on_commit_callbacks
):
    for job in (succeeded(alice.owner, outcome=stored), waiting(alice.owner)):
        address = reverse("admin:jobs_job_delete", args=[job.pk])
        assert ada.client.get(address).status_code == 200
        with django_capture_on_commit_callbacks(execute=True):
            ada.client.post(address, {"post": "yes"})
    assert not Job.objects.exists()
    assert not media()
    assert_counters_true()


def test_a_photo_that_a_waiting_job_needs_stays(ada, alice, photo, media, django_capture_on_commit_callbacks):
    needed, free = photo(alice.owner), photo(alice.owner, color="#c04080")
    job = waiting(alice.owner, "nap", needed)
    for each in (needed, free):
        with django_capture_on_commit_callbacks(execute=True):
            ada.client.post(reverse("admin:jobs_asset_delete", args=[each.pk]), {"post": "yes"})
    assert list(Asset.objects.all()) == [needed]
    assert media() == {needed.file.name}
    question = ada.client.get(reverse("admin:jobs_asset_delete", args=[needed.pk])).text
    assert str(job) in question


@pytest.mark.parametrize("what", ["auth_user", "jobs_owner"])
def test_deleting_somebody_takes_their_files_and_places_along(
    ada, alice, photo, stored, media, django_capture_on_commit_callbacks, what
):
    succeeded(alice.owner, "nap", photo(alice.owner), outcome=stored)
    waiting(alice.owner)
    key = alice.user.pk if what == "auth_user" else alice.owner.pk
    address = reverse(f"admin:{what}_delete", args=[key])
    assert dict(ada.client.get(address).context["model_count"])["jobs"] == 2
    with django_capture_on_commit_callbacks(execute=True):
        ada.client.post(address, {"post": "yes"})
    assert not Owner.objects.filter(pk=alice.owner.pk).exists()
    assert not Job.objects.exists()
    assert not media()
    assert_counters_true()


# The page of a job ---------------------------------------------------------------------------------------


def test_the_page_of_a_job_shows_its_inputs_outputs_timeline_and_error(ada, alice, photo, stored):
    blue = photo(alice.owner)
    done = succeeded(alice.owner, "nap", blue, outcome=stored)
    Job.objects.filter(pk=done.pk).update(metrics={"psnr": 31.25, "ssim": None}, recipe={"engine": "torch"})
    response = ada.client.get(page_of(done))
    assert [moment.status for moment in response.context["timeline"]] == ["queued", "running", "succeeded"]
    for text in (
        reverse("photo-file", args=[blue.pk]),
        reverse("output-file", args=[done.outputs.get().pk]),
        "31.25",
        "&quot;engine&quot;: &quot;torch&quot;",
        "worker@there",
        str(done.uuid),
    ):
        assert text in response.text
    broken = ada.client.get(page_of(failed(alice.owner, "out_of_memory"))).text
    assert "out_of_memory" in broken
    assert "Oh no, it broke." in broken


def test_it_escapes_what_strangers_wrote(ada, alice, photo):
    evil = photo(alice.owner)
    Asset.objects.filter(pk=evil.pk).update(name="<script>alert(1)</script>")
    job = waiting(alice.owner, "nap", evil)
    for address in (reverse(JOBS), page_of(job), reverse("admin:jobs_asset_changelist")):
        assert "<script>alert(1)" not in ada.client.get(address).text


def test_a_job_that_is_not_there_is_not_found(ada):
    for name in ("12345", "nonsense"):
        assert ada.client.get(reverse("admin:jobs_job_change", args=[name])).status_code == 404
