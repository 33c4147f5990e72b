"""Operations that draw at random, most of them out of nothing: from their form, by the API, on the command line."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from jobs.library.samples import SAMPLES
from jobs.models import Asset, Job
from jobs.queue import lifecycle
from jobs.work import runner
from ml.__main__ import main
from tests.conftest import Person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("real_operations")]


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


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis")
@pytest.mark.parametrize(
    ("slug", "params"),
    [
        ("deep-dream", {"size": "128", "octaves": "1", "strength": "0"}),
        ("gan-sample", {"count": "4"}),
        ("vae-sample", {"count": "4"}),
    ],
)
def test_the_page_and_the_command_line_make_the_same_picture(
    client: Client, tmp_path: Path, slug: str, params: dict[str, str]
) -> None:
    inputs = []
    if slug == "deep-dream":
        client.post("/photos", {"file": SimpleUploadedFile("photo.jpg", SAMPLES[0].path.read_bytes())})
        photo = Asset.objects.get()
        params, inputs = params | {"slot-image": str(photo.id)}, [photo.file.path]
    client.post(f"/new/{slug}", params | {"seed": "5"})
    job = Job.objects.get()
    claim = lifecycle.claim(job.queue)
    assert claim
    runner.run(claim)
    by_page = job.outputs.first()
    assert by_page

    drawn = tmp_path / f"drawn{Path(by_page.file.name).suffix}"
    options = [f"--{name}={value}" for name, value in params.items() if not name.startswith("slot-")]
    assert main(["run", slug, *inputs, "-o", str(drawn), "--seed", "5", *options]) == 0
    with by_page.file.open("rb") as file:
        pixels = np.asarray(Image.open(io.BytesIO(file.read())))
    assert np.array_equal(pixels, np.asarray(Image.open(drawn)))
