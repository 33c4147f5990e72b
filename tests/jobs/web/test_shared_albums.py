"""An album, or one photo, for whoever has the link."""

import io
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from jobs.access import sharing
from jobs.library import albums, trash
from jobs.models import Album, Asset, ShareLink
from tests.conftest import Person
from tests.jobs.web.pages import finished, page

pytestmark = pytest.mark.django_db(transaction=True)

Photos = Callable[..., Asset]
WORD = "korn-blume-7"


@pytest.fixture
def album(alice: Person, photo: Photos) -> Album:
    """Of a photo, and of a result of another one."""
    original = photo(alice.owner)
    return albums.create(
        alice.owner, "Summer", [photo(alice.owner), finished(alice.owner, original).outputs.get()]
    )


def addresses(link: ShareLink, *assets: Asset) -> list[str]:
    """All by which a link might show these."""
    files = [f"/s/{link.token}/{way}/{each.pk}" for each in assets for way in ("photos", "outputs", "view")]
    return [f"{file}{more}" for file in files for more in ("", "?size=512", "?download")]


def statuses(client: Client, found: list[str]) -> set[int]:
    return {client.get(address).status_code for address in found}


def names_in(response: Any) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def test_a_link_shows_what_is_in_the_album_and_nothing_else(
    album: Album, alice: Person, photo: Photos, client: Client
) -> None:
    outside, (first, result) = photo(alice.owner), albums.photos(album)
    link = sharing.share(album, expires_in=None, original=False)
    said = page(client.get(f"/s/{link.token}"))
    assert "Summer" in said
    for secret in ("alice", first.name, str(outside.pk), str(result.original_id), str(album.pk)):
        assert secret not in said
    assert statuses(client, addresses(link, first, result)) == {200}
    original = Asset.objects.get(pk=result.original_id)
    assert statuses(client, addresses(link, outside, original)) == {404}


def test_originals_are_shown_only_where_the_owner_says_so(album: Album, client: Client) -> None:
    _first, result = albums.photos(album)
    link = sharing.share(album, expires_in=None, original=True)
    assert f"/s/{link.token}/photos/{result.original_id}" in page(
        client.get(f"/s/{link.token}/view/{result.pk}")
    )
    assert client.get(f"/s/{link.token}/photos/{result.original_id}").status_code == 200
    assert client.get(f"/s/{link.token}/view/{result.original_id}").status_code == 404


def test_the_recipe_is_shown_only_where_the_owner_says_so(album: Album, client: Client) -> None:
    _first, result = albums.photos(album)
    for recipe in (False, True):
        link = sharing.share(album, expires_in=None, recipe=recipe)
        assert ("Recipe" in page(client.get(f"/s/{link.token}/view/{result.pk}"))) == recipe
        sent = client.get(f"/s/{link.token}/outputs/{result.pk}?download")
        content = b"".join(sent.streaming_content)
        assert (b'"operation"' in content) == recipe


def test_a_password_guards_the_album_its_photos_and_the_archive(album: Album, client: Client) -> None:
    link = sharing.share(album, expires_in=None, password=WORD)
    guarded = [*addresses(link, *albums.photos(album)), f"/s/{link.token}/zip"]
    said = page(client.get(f"/s/{link.token}"))
    assert "Summer" not in said
    assert "password is needed" in said
    assert statuses(client, guarded) == {404}
    client.post(f"/s/{link.token}", {"password": WORD})
    assert "Summer" in page(client.get(f"/s/{link.token}"))
    assert statuses(client, guarded) == {200}
    sharing.revoke(ShareLink.objects.all())
    assert statuses(client, [f"/s/{link.token}", *guarded]) == {404}


def test_what_lies_in_the_trash_is_in_no_link_album_and_archive(album: Album, client: Client) -> None:
    first, result = albums.photos(album)
    link, alone = sharing.share(album, expires_in=None), sharing.share(first, expires_in=None)
    assert len(names_in(client.get(f"/s/{link.token}/zip"))) == 2
    trash.throw_away(Asset.objects.filter(pk=first.pk))
    assert statuses(client, addresses(link, first)) == {404}
    assert statuses(client, [f"/s/{alone.token}", *addresses(alone, first)]) == {404}
    assert str(first.pk) not in page(client.get(f"/s/{link.token}"))
    assert names_in(client.get(f"/s/{link.token}/zip")) == ["photo-instant-result.png"]
    trash.throw_away(Asset.objects.filter(pk=result.original_id))
    assert client.get(f"/s/{link.token}/photos/{result.original_id}").status_code == 404
    trash.take_back(Asset.objects.filter(pk=first.pk))
    assert client.get(f"/s/{alone.token}").status_code == 200


def test_an_archive_tells_no_names_and_keeps_the_order(album: Album, alice: Person, client: Client) -> None:
    albums.add(album, [finished(alice.owner).outputs.get()])
    link = sharing.share(album, expires_in=None)
    answer = client.get(f"/s/{link.token}/zip")
    assert answer["Content-Disposition"] == 'attachment; filename="photos.zip"'
    assert names_in(answer) == ["photo.png", "photo-instant-result.png", "photo-instant-result (2).png"]


def test_archives_are_limited_for_each_link(album: Album, client: Client) -> None:
    link, other = (sharing.share(album, expires_in=None) for _ in range(2))
    address = f"/s/{link.token}/zip"
    said = [client.get(address).status_code for _ in range(sharing.MOST_ZIPS + 1)]
    assert said == [200] * sharing.MOST_ZIPS + [429]
    refused = client.get(address)
    assert (int(refused["Retry-After"]), "Try again later" in page(refused)) == (3600, True)
    assert client.get(f"/s/{other.token}/zip").status_code == 200
    ShareLink.objects.update(zips_since=timezone.now() - timedelta(hours=2))
    assert client.get(address).status_code == 200


def test_a_link_only_to_look_at_gives_no_archive(album: Album, client: Client) -> None:
    link = sharing.share(album, expires_in=None, download=False)
    said = page(client.get(f"/s/{link.token}"))
    assert "Download" not in said
    assert client.get(f"/s/{link.token}/zip").status_code == 404
    result = albums.photos(album)[1]
    assert client.get(f"/s/{link.token}/outputs/{result.pk}?download")["Content-Type"] == "image/webp"


def test_one_photo_is_shared_by_its_page(alice: Person, photo: Photos, client: Client) -> None:
    original, other = photo(alice.owner), photo(alice.owner)
    result = finished(alice.owner, original).outputs.get()
    made = alice.client.post(f"/library/{result.pk}/share", {"days": "7", "download": "on"})
    link = ShareLink.objects.get()
    assert made["Location"] == f"/library/{result.pk}?link={link.pk}#share"
    assert link.token in page(alice.client.get(made["Location"]))
    alice.client.post(f"/library/{original.pk}/share", {"photo": str(result.pk)})
    assert [each.asset for each in ShareLink.objects.all()] == [result, result]
    assert client.get(f"/s/{link.token}").status_code == 200
    assert statuses(client, addresses(link, original, other)) == {404}
    in_the_trash = photo(alice.owner)
    trash.throw_away(Asset.objects.filter(pk=in_the_trash.pk))
    assert alice.client.post(f"/library/{in_the_trash.pk}/share").status_code == 409


def test_a_link_is_made_without_leaving_the_page(album: Album, alice: Person) -> None:
    answer = alice.client.post(f"/albums/{album.pk}/share", {"days": "7"}, headers={"hx-request": "true"})
    link = ShareLink.objects.get()
    said = page(answer)
    assert link.token in said
    assert "data-just-made" in said
    assert "<html" not in said


def test_openings_are_counted_but_for_its_owner_and_admins(
    album: Album, alice: Person, ada: Person, bob: Person, client: Client
) -> None:
    link = sharing.share(album, expires_in=None)
    for each in (alice.client, ada.client, client, bob.client, client):
        each.get(f"/s/{link.token}")
    link.refresh_from_db()
    assert link.views == 3
    assert "opened 3 times" in page(alice.client.get("/links/"))


def test_links_of_all_kinds_are_listed_and_revoked_by_their_owner_alone(
    album: Album, alice: Person, charlie: Person
) -> None:
    photo_link = sharing.share(albums.photos(album)[0], expires_in=None)
    album_link = sharing.share(album, expires_in=None)
    said = page(alice.client.get("/links/"))
    for link in (photo_link, album_link):
        assert link.token in said
        assert link.token not in page(charlie.client.get("/links/"))
        assert charlie.client.post(f"/links/{link.pk}/revoke").status_code == 404
        assert charlie.client.get(f"/links/{link.pk}/qr").status_code == 404
        drawn = alice.client.get(f"/links/{link.pk}/qr")
        assert (drawn["Content-Type"], b"<svg" in drawn.content) == ("image/svg+xml", True)
        alice.client.post(f"/links/{link.pk}/revoke")
        assert link.token not in page(alice.client.get("/links/"))


def test_a_link_dies_with_its_album(album: Album, alice: Person, client: Client) -> None:
    link = sharing.share(album, expires_in=None)
    alice.client.post(f"/albums/{album.pk}/do", {"do": "delete"})
    assert client.get(f"/s/{link.token}").status_code == 404
