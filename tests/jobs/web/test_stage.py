"""Which pictures a page puts on its stage, and which two it begins with."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from jobs.models import Asset, Job
from jobs.queue.state import State
from jobs.web.presenters.job import JobPresenter
from jobs.web.presenters.photo import PhotoPresenter
from jobs.web.presenters.picture import PicturePresenter
from jobs.web.presenters.stage import Layer, Stage, stage
from ml.core.operation import Shows
from ml.registry import registry
from tests.conftest import Person
from tests.jobs.web.pages import finished, page

pytestmark = pytest.mark.django_db(transaction=True)

Photos = Callable[..., Asset]


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has the operation of `finished` declare something else."""

    def change(**fields: Any) -> None:
        operation = replace(registry().get("instant"), **fields)
        monkeypatch.setattr(Job, "declaration", operation)

    return change


def shown(job: Job) -> Stage:
    found = JobPresenter(job, State()).stage
    assert found
    return found


def second_output(job: Job, name: str, **facts: Any) -> Asset:
    first = job.outputs.first()
    assert first
    for field, value in {"output": name, "position": 1, **facts}.items():
        setattr(first, field, value)
    first.pk = None
    first._state.adding = True
    first.id = Asset._meta.pk.get_default()
    first.save()
    return first


def test_a_result_is_compared_with_its_photo(alice: Person, photo: Photos) -> None:
    picture = photo(alice.owner)
    job = finished(alice.owner, picture)
    found = shown(job)
    assert (found.left, found.right) == (str(picture.pk), str(job.outputs.get().pk))
    assert [layer.shows for layer in found.layers] == ["compare", "compare"]


def test_an_operation_says_which_output_stands_left(
    alice: Person, photo: Photos, declared: Callable[..., None]
) -> None:
    picture = photo(alice.owner)
    job = finished(alice.owner, picture)
    noisy = second_output(job, "noisy")
    result = job.outputs.get(output="result")
    declared(left="noisy", result="result")
    found = shown(job)
    assert (found.left, found.right) == (str(noisy.pk), str(result.pk))
    beside = PhotoPresenter(picture, [result, noisy], picture).stage
    assert beside
    assert (beside.left, beside.right) == (str(noisy.pk), str(result.pk))
    asked = PhotoPresenter(picture, [result, noisy], result).stage
    assert asked
    assert (asked.left, asked.right) == (str(result.pk), str(noisy.pk))


@pytest.mark.parametrize("shows", [Shows.SHEET, Shows.FILES])
def test_what_is_none_of_the_photo_stands_alone(
    shows: Shows, alice: Person, photo: Photos, declared: Callable[..., None]
) -> None:
    job = finished(alice.owner, photo(alice.owner))
    declared(shows=shows)
    found = shown(job)
    assert (found.left, [layer.shows for layer in found.layers]) == ("", ["alone"])


def test_what_is_drawn_on_a_photo_can_be_taken_off(
    alice: Person, photo: Photos, declared: Callable[..., None]
) -> None:
    job = finished(alice.owner, photo(alice.owner))
    declared(shows=Shows.ANNOTATED)
    assert [layer.shows for layer in shown(job).layers] == ["annotated", "compare"]


def test_two_pictures_that_were_given_are_compared_with_each_other(
    alice: Person, photo: Photos, declared: Callable[..., None]
) -> None:
    first, second = photo(alice.owner), photo(alice.owner)
    job = finished(alice.owner, first)
    job.inputs.create(slot="other", asset=second)
    declared(shows=Shows.INPUTS, inputs=registry().get("instant").inputs * 2)
    found = shown(job)
    assert (found.left, found.right) == (str(first.pk), str(second.pk))
    assert len(found.layers) == 3


def test_a_film_loops_unless_it_came_in_as_one(alice: Person, photo: Photos) -> None:
    came_in = photo(alice.owner)
    result = finished(alice.owner, came_in).outputs.get()
    result.format = "mp4"
    for kind, loops in (("video", False), ("animation", True), ("image", True)):
        came_in.kind, result.original = kind, came_in
        assert Layer.of(result, PicturePresenter.of(result), "").loops == loops


def test_a_stage_holds_only_what_can_be_looked_at(alice: Person, photo: Photos) -> None:
    asset = photo(alice.owner)
    asset.format = "zip"
    assert stage([Layer.of(asset, PicturePresenter.of(asset), "")], "", "") is None
    gone = stage([Layer.of(photo(alice.owner), PicturePresenter.of(photo(alice.owner)), "")], "gone", "gone")
    assert gone
    assert (gone.left, len(gone.layers)) == ("", 1)


def test_each_of_more_than_two_is_chosen_for_each_side(alice: Person, photo: Photos) -> None:
    picture = photo(alice.owner)
    finished(alice.owner, picture)
    assert "data-side=" not in page(alice.client.get(f"/library/{picture.pk}"))
    finished(alice.owner, picture)
    said = page(alice.client.get(f"/library/{picture.pk}"))
    assert said.count("data-side=") == 2
