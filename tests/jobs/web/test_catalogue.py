"""What there is: operations, weights, samples."""

import pytest
from django.test import Client
from django.urls import reverse

from jobs.library.samples import submit_sample
from jobs.models import Job
from jobs.web.forms import ParamsForm
from ml import registry as ml_registry
from tests.jobs.web.pages import page

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


@pytest.mark.slow
def test_every_operation_and_every_weights_file_has_a_page(client: Client, real_operations: None) -> None:
    for operation in ml_registry.registry().all():
        assert operation.summary in page(client.get(reverse("operation", args=[operation.slug])))
        for weights in operation.weights:
            card = page(client.get(reverse("weights-card", args=[weights.name])))
            assert weights.sha256 in card
            assert weights.name in page(client.get("/weights/"))


def test_every_value_that_is_chosen_by_picture_has_one(client: Client, real_operations: None) -> None:
    shown = set()
    for operation in ml_registry.registry().all():
        for bound in ParamsForm(operation):
            if bound.field.control.kind == "pictures":  # type: ignore[attr-defined]
                shown.add(f"{operation.slug} {bound.name}")
                content = page(client.get(reverse("new-job", args=[operation.slug])))
                for option in bound.field.control.options:  # type: ignore[attr-defined]
                    assert f"choices/{operation.slug}/{bound.name}/{option.value}." in content
                    assert f'name="{bound.name}" value="{option.value}"' in content
    assert shown == {"deep-dream pattern", "style-transfer look", "style-transfer painting"}


@pytest.mark.parametrize(
    "address",
    ["/weights/none", "/weights/none/curve", "/weights/vae-2/nearest", "/operations/none", "/new/none"],
)
def test_what_there_is_not_is_a_404(client: Client, address: str) -> None:
    assert client.get(address).status_code == 404


def test_samples_are_shown_to_everybody_and_belong_to_nobody(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ml_registry, "OPERATIONS", ("ml.super_resolution",))
    ml_registry.registry.cache_clear()
    sample = submit_sample("super-resolution")
    assert sample.sample
    assert sample.owner is None
    assert str(sample.uuid) in page(client.get("/library/jobs"))
    shown = client.get(reverse("job", args=[sample.uuid]))
    assert shown.status_code == 200
    assert client.post(reverse("job-delete", args=[sample.uuid])).status_code == 404
    form = client.get(shown.context["presenter"].again_url)
    photo = form.context["draft"].main.photos[0]
    client.post("/new/super-resolution", {"slot-image": str(photo.id), "method": "bicubic", "scale": "2"})
    mine = Job.objects.get(sample=False)
    used = mine.inputs.get().asset
    assert used
    assert used.owner == mine.owner
