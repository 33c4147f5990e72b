"""Operations that draw their pictures out of nothing, from their form and by the API."""

import json

import pytest
from django.test import Client

from jobs.models import Job
from tests.conftest import Person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("real_rooms")]


@pytest.mark.parametrize("slug", ["vae-sample", "gan-sample"])
def test_the_form_asks_for_no_photo_and_starts_without_one(client: Client, slug: str) -> None:
    draft = client.get(f"/new/{slug}").context["draft"]
    assert draft.main is None
    assert [field.slot.name for field in draft.others] == (["image", "other"] if slug == "vae-sample" else [])
    response = client.post(f"/new/{slug}", {"count": "9", "seed": "5"})
    job = Job.objects.get()
    assert response["Location"] == f"/jobs/{job.uuid}"
    assert (job.params["count"], job.seed, job.inputs.count()) == (9, 5, 0)


def test_a_copy_of_nothing_is_refused_on_the_form(client: Client) -> None:
    response = client.post("/new/vae-sample", {"action": "reconstruct"})
    assert 400 <= response.status_code < 500
    assert "There is no digit to copy" in response.content.decode()
    assert not Job.objects.exists()


@pytest.mark.parametrize("slug", ["vae-sample", "gan-sample"])
def test_a_program_starts_it_with_no_more_than_its_name(alice: Person, client: Client, slug: str) -> None:
    headers = {"Authorization": f"Bearer {alice.token}"}
    response = client.post(
        "/api/v1/jobs", json.dumps({"operation": slug}), "application/json", headers=headers
    )
    assert response.status_code == 202
    assert Job.objects.get().operation == slug
