"""The trash: what lies in it is nowhere else, and goes for good after a while."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.errors import Refused
from jobs.library import listing, retention, trash
from jobs.models import Asset
from tests.conftest import Person
from tests.support import submit_one

pytestmark = pytest.mark.django_db(transaction=True)

Photos = Callable[..., Asset]


def all_of(*photos: Asset) -> "listing.AssetQuerySet":
    return Asset.objects.filter(pk__in=[photo.pk for photo in photos])


def test_thrown_away_and_taken_back(alice: Person, photo: Photos) -> None:
    kept, thrown = photo(alice.owner), photo(alice.owner)
    assert trash.throw_away(all_of(thrown)) == 1
    assert trash.throw_away(all_of(thrown)) == 0
    assert list(listing.photos(alice.owner)) == [kept]
    assert list(listing.all_of(alice.owner, trashed=True)) == [thrown]
    assert trash.take_back(all_of(thrown, kept)) == 1
    assert set(listing.photos(alice.owner)) == {kept, thrown}


def test_what_lies_in_it_is_no_input(alice: Person, photo: Photos) -> None:
    thrown = photo(alice.owner)
    trash.throw_away(all_of(thrown))
    answer = alice.client.post(
        "/api/v1/jobs", {"operation": "instant", "inputs": {"photo": str(thrown.pk)}}, "application/json"
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_photo")


def test_it_is_emptied_after_30_days_favourites_too(alice: Person, photo: Photos) -> None:
    old, fresh = photo(alice.owner), photo(alice.owner)
    trash.throw_away(all_of(old, fresh))
    all_of(old).update(trashed_at=timezone.now() - timedelta(days=31), favourite=True)
    assert retention.clean()["photos"] == 1
    assert list(Asset.objects.all()) == [fresh]


def test_a_members_favourite_is_spared_by_the_cleaner(alice: Person, visitor: object, photo: Photos) -> None:
    mine, theirs = photo(alice.owner), photo(visitor)
    Asset.objects.update(favourite=True, created_at=timezone.now() - timedelta(days=4000))
    retention.clean()
    assert list(Asset.objects.all()) == [mine]
    assert not theirs.file.storage.exists(theirs.file.name)


def test_what_a_job_needs_is_not_deleted_for_good(alice: Person, photo: Photos) -> None:
    needed, other = photo(alice.owner), photo(alice.owner)
    submit_one(alice.owner, "instant", {}, {"photo": [needed]})
    with pytest.raises(Refused, match="Wait for it, or cancel it first"):
        trash.delete([other, needed])
    assert Asset.objects.count() == 2
