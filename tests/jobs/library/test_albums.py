"""Albums: what is in them, and in which order."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.access import sharing
from jobs.errors import Refused
from jobs.library import albums, listing, retention, trash
from jobs.library.listing import Asked
from jobs.models import Album, Asset, Owner
from jobs.queue import adoption, deletion
from tests.conftest import Person
from tests.jobs.web.pages import finished

pytestmark = pytest.mark.django_db(transaction=True)

Photos = Callable[..., Asset]


def order(album: Album) -> list[Asset]:
    return list(albums.photos(album))


@pytest.fixture
def three(alice: Person, photo: Photos) -> tuple[Album, Asset, Asset, Asset]:
    a, b, c = (photo(alice.owner) for _ in range(3))
    return albums.create(alice.owner, "Summer", [a, b, c]), a, b, c


def test_an_album_keeps_the_order_in_which_photos_came_and_each_once(
    three: tuple[Album, Asset, Asset, Asset], alice: Person, photo: Photos
) -> None:
    album, a, b, c = three
    fourth = photo(alice.owner)
    assert albums.add(album, [c, fourth, a]) == 1
    assert order(album) == [a, b, c, fourth]


def test_a_photo_is_moved_before_any_other_or_to_the_end(three: tuple[Album, Asset, Asset, Asset]) -> None:
    album, a, b, c = three
    albums.place(album, c, before=a)
    assert order(album) == [c, a, b]
    albums.place(album, c, before=b)
    assert order(album) == [a, c, b]
    albums.place(album, a, before=None)
    assert order(album) == [c, b, a]


def test_a_photo_goes_by_one_and_at_the_ends_no_further(three: tuple[Album, Asset, Asset, Asset]) -> None:
    album, a, b, c = three
    albums.step(album, a, later=True)
    assert order(album) == [b, a, c]
    albums.step(album, a, later=True)
    albums.step(album, a, later=True)
    assert order(album) == [b, c, a]
    albums.step(album, c, later=False)
    albums.step(album, c, later=False)
    assert order(album) == [c, b, a]


def test_a_step_passes_over_what_lies_in_the_trash(three: tuple[Album, Asset, Asset, Asset]) -> None:
    album, a, b, c = three
    trash.throw_away(Asset.objects.filter(pk=b.pk))
    albums.step(album, c, later=False)
    assert order(album) == [c, a]


def test_what_is_thrown_away_is_in_no_album_and_comes_back_to_its_place(
    three: tuple[Album, Asset, Asset, Asset],
) -> None:
    album, a, b, c = three
    trash.throw_away(Asset.objects.filter(pk=b.pk))
    assert order(album) == [a, c]
    trash.take_back(Asset.objects.filter(pk=b.pk))
    assert order(album) == [a, b, c]


def test_a_cover_that_left_the_album_is_its_cover_no_longer(three: tuple[Album, Asset, Asset, Asset]) -> None:
    album, a, b, _c = three
    album.cover = b
    album.save()
    (shown,) = albums.with_covers(Album.objects.all())
    assert shown.chosen_cover == b.pk  # type: ignore[attr-defined]
    albums.remove(album, Asset.objects.filter(pk=b.pk))
    (shown,) = albums.with_covers(Album.objects.all())
    assert (shown.chosen_cover, shown.first_photo, shown.photo_count) == (None, a.pk, 2)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["", "   ", "\n\u200b"])
def test_an_album_has_a_name(alice: Person, name: str) -> None:
    with pytest.raises(Refused, match="name"):
        albums.create(alice.owner, name)
    assert not Album.objects.exists()


def test_a_name_has_no_folders(alice: Person) -> None:
    assert albums.create(alice.owner, "2024/25 ..\\x").name == "2024-25 ..-x"


def test_an_album_that_is_full_says_so(
    three: tuple[Album, Asset, Asset, Asset], alice: Person, photo: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    album, a, b, c = three
    monkeypatch.setattr(albums, "MOST_PHOTOS", 3)
    with pytest.raises(Refused, match="holds 3"):
        albums.add(album, [photo(alice.owner)])
    albums.set_photos(album, [c, b, a])
    assert order(album) == [c, b, a]


def test_photos_are_found_by_the_name_of_their_album(
    three: tuple[Album, Asset, Asset, Asset], alice: Person, charlie: Person, photo: Photos
) -> None:
    album, a, b, c = three
    outside = photo(alice.owner)
    version = finished(alice.owner, outside).outputs.get()
    assert set(listing.photos(alice.owner, Asked(search="summ"))) == {a, b, c}
    albums.add(album, [version])
    assert set(listing.photos(alice.owner, Asked(search="summ"))) == {a, b, c, outside}
    assert set(listing.photos(alice.owner, Asked(album=album.pk))) == {a, b, c, outside}
    assert not listing.photos(charlie.owner, Asked(search="summ")).exists()
    assert not listing.photos(charlie.owner, Asked(album=album.pk)).exists()


def test_members_keep_what_is_in_an_album_and_visitors_do_not(
    alice: Person, visitor: Owner, photo: Photos
) -> None:
    kept, gone, loose = photo(alice.owner), photo(visitor), photo(alice.owner)
    albums.create(alice.owner, "kept", [kept])
    albums.create(visitor, "not kept", [gone])
    Asset.objects.update(created_at=timezone.now() - timedelta(days=4000))
    assert set(retention.expired_assets()) == {gone, loose}


def test_a_job_stays_that_made_what_is_in_an_album(alice: Person) -> None:
    kept, gone = finished(alice.owner), finished(alice.owner)
    albums.create(alice.owner, "kept", [kept.outputs.get()])
    type(kept).objects.update(finished_at=timezone.now() - timedelta(days=4000))
    assert list(retention.expired_jobs()) == [gone]


def test_a_result_that_is_in_an_album_or_shared_outlives_its_job(alice: Person) -> None:
    in_album, shared, neither, once_shared = (finished(alice.owner) for _ in range(4))
    albums.create(alice.owner, "kept", [in_album.outputs.get()])
    sharing.share(shared.outputs.get(), expires_in=None)
    sharing.share(once_shared.outputs.get(), expires_in=timedelta(0))
    left = {in_album.outputs.get(), shared.outputs.get()}
    for job in (in_album, shared, neither, once_shared):
        deletion.delete(job)
    assert set(Asset.objects.all()) == left


def test_a_visitor_who_logs_in_takes_their_albums_along(alice: Person, visitor: Owner, photo: Photos) -> None:
    album = albums.create(visitor, "trip", [photo(visitor)])
    adoption.adopt(visitor, alice.owner)
    album.refresh_from_db()
    assert album.owner == alice.owner
    assert len(order(album)) == 1
