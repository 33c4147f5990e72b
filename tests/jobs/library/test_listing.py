"""The photos of an owner as lists: each with its versions, found by what it is called and by what is on it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs.errors import Refused
from jobs.library import listing, trash
from jobs.library.listing import Asked
from jobs.models import Asset, Job, Owner
from jobs.queue import lifecycle
from jobs.queue.lifecycle import Outcome
from tests.conftest import Person
from tests.support import submit_one

pytestmark = pytest.mark.django_db(transaction=True)

Photos = Callable[..., Asset]
TABBY = [
    {"title": "tabby", "score": 0.8, "also": ["cat", "animal"]},
    {"title": "space shuttle", "score": 0.04},
]


@pytest.fixture
def developed(stored: Callable[..., Outcome]) -> Callable[..., Asset]:
    """The result of a job on a photo."""

    def develop(owner: Owner, photo: Asset, labels: Any = ()) -> Asset:
        job = submit_one(owner, "instant", {}, {"photo": [photo]})
        claim = lifecycle.claim("cpu")
        assert claim
        outcome = stored(claim)
        outcome.labels = list(labels)
        assert lifecycle.finish(claim, outcome)
        return job.outputs.get()

    return develop


def names(owner: Owner, **asked: Any) -> list[str]:
    return [photo.name for photo in listing.photos(owner, Asked(**asked)).order_by("name")]


def test_a_result_is_a_version_of_its_photo_and_so_is_a_result_of_a_result(
    alice: Person, photo: Photos, developed: Photos
) -> None:
    original = photo(alice.owner)
    first = developed(alice.owner, original)
    second = developed(alice.owner, first)
    assert (first.original, second.original, first.owner) == (original, original, alice.owner)
    (found,) = listing.with_counts(listing.photos(alice.owner))
    assert (found, found.version_count, found.at_work) == (original, 2, False)  # type: ignore[attr-defined]


def test_a_photo_says_that_a_job_is_at_work_on_it(alice: Person, photo: Photos) -> None:
    busy, idle = photo(alice.owner), photo(alice.owner)
    submit_one(alice.owner, "instant", {}, {"photo": [busy]})
    found = {each: each.at_work for each in listing.with_counts(listing.photos(alice.owner))}  # type: ignore[attr-defined]
    assert found == {busy: True, idle: False}
    assert list(listing.photos(alice.owner, Asked(running=True))) == [busy]


def test_whoever_logs_in_meanwhile_owns_what_is_made(
    visitor: Owner, alice: Person, photo: Photos, stored: Callable[..., Outcome]
) -> None:
    from jobs.queue import adoption

    picture = photo(visitor)
    submit_one(visitor, "instant", {}, {"photo": [picture]})
    claim = lifecycle.claim("cpu")
    assert claim
    adoption.adopt(visitor, alice.owner)
    assert lifecycle.finish(claim, stored(claim))
    assert set(alice.owner.assets.all()) == {picture, claim.job.outputs.get()}


def test_a_result_whose_photo_is_gone_stands_for_itself(
    alice: Person, photo: Photos, stored: Callable[..., Outcome]
) -> None:
    picture = photo(alice.owner)
    submit_one(alice.owner, "instant", {}, {"photo": [picture]})
    claim = lifecycle.claim("cpu")
    assert claim
    picture.delete()
    assert lifecycle.finish(claim, stored(claim))
    (made,) = listing.photos(alice.owner)
    assert (made.output, made.original) == ("result", None)


def test_what_descends_from_a_photo_in_the_trash_stands_for_itself_until_it_is_taken_back(
    alice: Person, photo: Photos, developed: Photos
) -> None:
    original = photo(alice.owner)
    made = developed(alice.owner, original)
    trash.throw_away(Asset.objects.filter(pk=original.pk))
    assert list(listing.photos(alice.owner)) == [made]
    trash.take_back(Asset.objects.filter(pk=original.pk))
    assert list(listing.photos(alice.owner)) == [original]


@pytest.mark.parametrize("search", ["Garten", "garten", "rosen", "0427", "tabby", "cat", "CAT", "instant"])
def test_a_photo_is_found_by_its_name_by_what_was_done_and_by_what_is_on_it(
    search: str, alice: Person, charlie: Person, photo: Photos, developed: Photos
) -> None:
    for owner in (alice.owner, charlie.owner):
        picture, other = photo(owner), photo(owner)
        Asset.objects.filter(pk=picture.pk).update(name="Rosengarten 0427.jpg")
        Asset.objects.filter(pk=other.pk).update(name="sea.jpg")
        developed(owner, picture, TABBY)
    assert names(alice.owner, search=search) == ["Rosengarten 0427.jpg"]


@pytest.mark.parametrize("search", ["shuttle", "at", "%", "_", "cat dog", "' OR 1=1 --"])
def test_nothing_is_found_that_is_not_there(
    search: str, alice: Person, photo: Photos, developed: Photos
) -> None:
    picture = photo(alice.owner)
    Asset.objects.filter(pk=picture.pk).update(name="IMG.jpg")
    developed(alice.owner, picture, TABBY)
    assert names(alice.owner, search=search) == []


def test_a_list_is_narrowed_to_operations_kinds_and_favourites(
    alice: Person, photo: Photos, developed: Photos
) -> None:
    plain, worked = photo(alice.owner), photo(alice.owner)
    made = developed(alice.owner, worked)
    assert list(listing.photos(alice.owner, Asked(operation="instant"))) == [worked]
    assert not listing.photos(alice.owner, Asked(operation="nap"))
    assert set(listing.photos(alice.owner, Asked(kind="image"))) == {plain, worked}
    assert not listing.photos(alice.owner, Asked(kind="video"))
    assert not listing.photos(alice.owner, Asked(favourite=True))
    Asset.objects.filter(pk=made.pk).update(favourite=True)
    assert list(listing.photos(alice.owner, Asked(favourite=True))) == [worked]


def test_every_photo_is_on_one_page_and_only_on_one(alice: Person, photo: Photos) -> None:
    at = timezone.now()
    photos = [photo(alice.owner) for _ in range(7)]
    for number, each in enumerate(photos):  # some of the same moment
        Asset.objects.filter(pk=each.pk).update(created_at=at - timedelta(seconds=number // 3))
    seen: list[Asset] = []
    cursor = ""
    while True:
        page = listing.page(listing.photos(alice.owner), cursor, 2)
        seen += page.rows
        cursor = page.cursor
        if not cursor:
            break
    assert len(seen) == 7
    assert set(seen) == set(photos)
    assert [each.created_at for each in seen] == sorted((each.created_at for each in seen), reverse=True)


@pytest.mark.parametrize("cursor", ["x", "1", "1-x", "9" * 30 + "-" + "0" * 32, "-", "1-" + "g" * 32])
def test_what_is_no_cursor_is_refused_in_words(cursor: str, alice: Person) -> None:
    with pytest.raises(Refused, match="next_cursor"):
        listing.page(listing.photos(alice.owner), cursor, 2)


def test_what_outlives_its_job(alice: Person, photo: Photos, developed: Photos) -> None:
    from jobs.queue import deletion

    original = photo(alice.owner)
    loved, used, other = (developed(alice.owner, original) for _ in range(3))
    Asset.objects.filter(pk=loved.pk).update(favourite=True)
    submit_one(alice.owner, "instant", {}, {"photo": [used]})
    for job in Job.objects.filter(outputs__in=[loved, used, other]):
        deletion.delete(job)
    assert set(Asset.objects.made()) == {loved, used}
    assert loved.file.storage.exists(loved.file.name)
    assert not other.file.storage.exists(other.file.name)
    loved.refresh_from_db()
    assert (loved.made_by, loved.original) == (None, original)
