"""The library in the browser and for programs."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.models import Asset, Draft
from tests.conftest import Person
from tests.jobs.web.pages import finished, page
from tests.support import submit_one

pytestmark = pytest.mark.django_db(transaction=True)

API = "/api/v1/photos"
Photos = Callable[..., Asset]


def shown(response: Any) -> list[Asset]:
    return [tile.photo for _day, tiles in response.context["days"] for tile in tiles]


def act(person: Person, do: str, *photos: Asset, **more: str) -> Any:
    return person.client.post("/library/do", {"do": do, "photo": [str(each.pk) for each in photos], **more})


def program(person: Person, method: str, address: str, body: Any = None) -> Any:
    return person.client.generic(method, address, body or "", "application/json")


# Pages ---------------------------------------------------------------------------------------------------


def test_a_photo_stands_once_with_the_number_of_its_versions(alice: Person, photo: Photos) -> None:
    picture = photo(alice.owner)
    for _ in range(2):
        finished(alice.owner, picture)
    response = alice.client.get("/library/")
    assert shown(response) == [picture]
    assert "2 versions" in page(response)
    assert "blue" in page(response)


def test_the_page_of_a_photo_shows_its_versions_and_that_of_a_version_begins_with_it(
    alice: Person, photo: Photos
) -> None:
    picture = photo(alice.owner)
    first, second = (finished(alice.owner, picture).outputs.get() for _ in range(2))
    response = alice.client.get(f"/library/{picture.pk}")
    assert [version.asset for version in response.context["presenter"].versions] == [second, first]
    response = alice.client.get(f"/library/{first.pk}")
    assert [version.asset for version in response.context["presenter"].versions] == [first, second]
    response = alice.client.get(f"/library/{picture.pk}?against={first.pk}")
    presenter = response.context["presenter"]
    assert (presenter.stage.left, presenter.stage.right) == (str(first.pk), str(second.pk))


def test_the_page_of_a_photo_shows_what_is_at_work_on_it(alice: Person, photo: Photos) -> None:
    picture = photo(alice.owner)
    finished(alice.owner, picture)
    waiting = submit_one(alice.owner, "instant", {}, {"photo": [picture]})
    response = alice.client.get(f"/library/{picture.pk}")
    assert response.context["at_work"] == [waiting]
    assert f'class="version at-work" href="/jobs/{waiting.uuid}"' in page(response)


def test_photos_are_thrown_away_and_the_page_offers_to_undo_it(alice: Person, photo: Photos) -> None:
    picture, other = photo(alice.owner), photo(alice.owner)
    version = finished(alice.owner, picture).outputs.get()
    act(alice, "trash", picture, versions="yes")
    response = alice.client.get("/library/")
    assert shown(response) == [other]
    assert "Undo" in page(response)
    assert {tile.photo for tile in alice.client.get("/library/trash").context["tiles"]} == {picture, version}
    act(alice, "undo")
    response = alice.client.get("/library/")
    assert shown(response) == [other, picture]
    assert "Undo" not in page(response)


def test_more_than_a_hundred_are_thrown_away_and_all_come_back(alice: Person) -> None:
    photos = Asset.objects.bulk_create(
        Asset(owner=alice.owner, kind="image", format="png", file=f"{number}", bytes=1, sha256="0" * 64)
        for number in range(130)
    )
    act(alice, "trash", *photos, versions="yes")
    assert not Asset.objects.at_hand().exists()
    act(alice, "undo")
    assert Asset.objects.at_hand().count() == 130
    assert "/choose?draft=" in act(alice, "run", *photos)["Location"]
    assert len(Draft.objects.get().photos) == 130


def test_a_photo_may_go_without_its_versions(alice: Person, photo: Photos) -> None:
    picture = photo(alice.owner)
    version = finished(alice.owner, picture).outputs.get()
    act(alice, "trash", picture)
    assert shown(alice.client.get("/library/")) == [version]


def test_only_what_is_in_the_trash_is_deleted_for_good(alice: Person, photo: Photos) -> None:
    kept, thrown = photo(alice.owner), photo(alice.owner)
    act(alice, "trash", thrown)
    act(alice, "delete", kept, thrown)
    assert list(Asset.objects.all()) == [kept]


def test_chosen_photos_are_favourites_go_on_and_come_as_a_zip(alice: Person, photo: Photos) -> None:
    photos = [photo(alice.owner) for _ in range(3)]
    act(alice, "favourite", *photos[:2])
    assert set(shown(alice.client.get("/library/?show=favourites"))) == set(photos[:2])
    act(alice, "no-favourite", photos[0])
    assert shown(alice.client.get("/library/?show=favourites")) == [photos[1]]
    onwards = act(alice, "run", *photos)
    assert onwards["Location"].startswith("/choose?draft=")
    assert alice.client.get(onwards["Location"]).status_code == 200
    content = b"".join(act(alice, "zip", *photos).streaming_content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["blue.png", "blue (2).png", "blue (3).png"]
        assert archive.testzip() is None


@pytest.mark.parametrize("do", ["run", "zip", "favourite", "trash", "restore", "delete", "nonsense", ""])
def test_nobody_does_anything_with_what_is_somebody_elses(
    do: str, alice: Person, charlie: Person, photo: Photos
) -> None:
    theirs = photo(alice.owner)
    response = act(charlie, do, theirs)
    assert (response.status_code, response["Location"]) == (302, "/library/")
    assert "Choose photos first" in page(charlie.client.get("/library/"))
    theirs.refresh_from_db()
    assert (theirs.favourite, theirs.trashed_at) == (False, None)


def test_nothing_of_another_owner_is_in_a_search(alice: Person, charlie: Person, photo: Photos) -> None:
    photo(alice.owner)
    assert shown(charlie.client.get("/library/?q=blue")) == []
    assert charlie.client.get(f"{API}?q=blue").json()["items"] == []


def test_the_library_takes_as_many_queries_for_many_photos_as_for_few(alice: Person, photo: Photos) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            alice.client.get("/library/")
        return len(asked)

    finished(alice.owner, photo(alice.owner))
    queries()
    few = queries()
    for _ in range(10):
        finished(alice.owner, photo(alice.owner))
    submit_one(alice.owner, "nap", {}, {"photo": [photo(alice.owner)]})
    assert queries() == few <= 8


def test_a_sample_is_looked_at_by_anybody_and_changed_by_nobody(
    client: Any, alice: Person, photo: Photos
) -> None:
    picture = photo(None)
    finished(None, picture, sample=True)
    assert client.get(f"/library/{picture.pk}").status_code == 200
    act(alice, "trash", picture)
    picture.refresh_from_db()
    assert picture.trashed_at is None


# The API -------------------------------------------------------------------------------------------------


def test_uploads_and_results_are_listed_a_page_at_a_time(alice: Person, photo: Photos) -> None:
    picture = photo(alice.owner)
    job = finished(alice.owner, picture)
    made = job.outputs.get()
    items = alice.client.get(API).json()["items"]
    assert [item["id"] for item in items] == [str(made.pk), str(picture.pk)]
    assert items[0] | {
        "original": str(picture.pk), "made_by": str(job.uuid), "output": "result", "favourite": False,
    } == items[0]  # fmt: skip
    assert [item["id"] for item in alice.client.get(f"{API}?made=false").json()["items"]] == [str(picture.pk)]
    assert [item["id"] for item in alice.client.get(f"{API}?made=true").json()["items"]] == [str(made.pk)]
    for _ in range(50):
        photo(alice.owner)
    first = alice.client.get(API).json()
    second = alice.client.get(f"{API}?cursor={first['next_cursor']}").json()
    assert (len(first["items"]), len(second["items"]), second["next_cursor"]) == (50, 2, None)


def test_a_result_goes_into_the_next_job_as_it_is(alice: Person, photo: Photos) -> None:
    made = finished(alice.owner, photo(alice.owner)).outputs.get()
    before = Asset.objects.count()
    answer = alice.client.post(
        "/api/v1/jobs", {"operation": "instant", "inputs": {"photo": str(made.pk)}}, "application/json"
    )
    assert (answer.status_code, answer.json()["inputs"]) == (202, {"photo": [str(made.pk)]})
    assert Asset.objects.count() == before


def test_a_photo_is_renamed_loved_thrown_away_and_taken_back(alice: Person, photo: Photos) -> None:
    picture = photo(alice.owner)
    address = f"{API}/{picture.pk}"
    changed = program(alice, "PATCH", address, '{"name": "../a/b\\u202e c.png", "favourite": true}').json()
    assert (changed["name"], changed["favourite"]) == ("b c.png", True)
    assert [item["id"] for item in alice.client.get(f"{API}?favourite=true").json()["items"]] == [
        changed["id"]
    ]
    assert program(alice, "DELETE", address).status_code == 204
    assert alice.client.get(API).json()["items"] == []
    assert [item["id"] for item in alice.client.get(f"{API}?trashed=true").json()["items"]] == [changed["id"]]
    assert program(alice, "PATCH", address, '{"trashed": false}').json()["trashed_at"] is None
    assert program(alice, "DELETE", f"{address}?permanent=true").status_code == 204
    assert alice.client.get(address).status_code == 404
    assert not picture.file.storage.exists(picture.file.name)


def test_a_photo_that_a_job_waits_for_is_not_deleted_for_good(alice: Person, photo: Photos) -> None:
    picture = photo(alice.owner)
    submit_one(alice.owner, "nap", {}, {"photo": [picture]})
    answer = program(alice, "DELETE", f"{API}/{picture.pk}?permanent=1")
    assert (answer.status_code, answer.json()["code"]) == (409, "still_needed")


def test_the_versions_of_a_photo_are_those_of_each_of_them(alice: Person, photo: Photos) -> None:
    picture = photo(alice.owner)
    made = finished(alice.owner, picture).outputs.get()
    for each in (picture, made):
        items = alice.client.get(f"{API}/{each.pk}/versions").json()
        assert [item["id"] for item in items] == [str(picture.pk), str(made.pk)]


def test_a_shared_result_in_the_trash_is_gone_for_whoever_has_the_link(
    alice: Person, photo: Photos, client: Any
) -> None:
    picture = photo(alice.owner)
    job = finished(alice.owner, picture)
    made = job.outputs.get()
    link = alice.client.post(f"/api/v1/jobs/{job.uuid}/share", "{}", "application/json").json()["url"]
    path = link.removeprefix("http://testserver")
    shared = client.get(f"{path}/outputs/{made.pk}")
    assert (shared.status_code, "blue" in shared["Content-Disposition"]) == (200, False)
    for each, kind in ((made, "outputs"), (picture, "photos")):
        program(alice, "DELETE", f"{API}/{each.pk}")
        assert client.get(f"{path}/{kind}/{each.pk}").status_code == 404
    assert str(made.pk) not in page(client.get(path))
