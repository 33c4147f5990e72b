"""Albums on pages and for programs."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.access import sharing
from jobs.library import albums
from jobs.models import Album, Asset
from tests.conftest import Person
from tests.jobs.web.pages import finished, page

pytestmark = pytest.mark.django_db(transaction=True)

Photos = Callable[..., Asset]
API = "/api/v1/albums"


def order(album: Album) -> list[Asset]:
    return list(albums.photos(album))


def do(person: Person, album: Album, what: str, **fields: Any) -> Any:
    return person.client.post(f"/albums/{album.pk}/do", {"do": what, **fields})


def program(person: Person, method: str, address: str, body: Any = None) -> Any:
    sent = "" if body is None else json.dumps(body)
    return person.client.generic(method, address, sent, "application/json")


# Pages ---------------------------------------------------------------------------------------------------


def test_chosen_photos_go_into_a_new_album_and_into_one_that_is_there(alice: Person, photo: Photos) -> None:
    a, b = photo(alice.owner), photo(alice.owner)
    sent = {"do": "album", "photo": [str(b.pk), str(a.pk)], "album_name": "Summer"}
    alice.client.post("/library/do", sent)
    album = Album.objects.get()
    assert (album.name, order(album)) == ("Summer", [b, a])
    c = photo(alice.owner)
    alice.client.post("/library/do", {"do": "album", "photo": [str(c.pk)], "album": str(album.pk)})
    assert order(album) == [b, a, c]
    said = page(alice.client.get("/albums/"))
    assert "Summer" in said
    assert "3 photos" in said


def test_an_album_without_a_name_is_not_made_and_the_page_says_so(alice: Person, photo: Photos) -> None:
    sent = {"do": "album", "photo": [str(photo(alice.owner).pk)], "album_name": " "}
    said = page(alice.client.post("/library/do", sent, follow=True))
    assert "Give the album a name." in said
    assert not Album.objects.exists()


def test_an_album_is_ordered_renamed_given_a_cover_and_deleted_by_buttons(
    alice: Person, photo: Photos
) -> None:
    a, b, c = (photo(alice.owner) for _ in range(3))
    album = albums.create(alice.owner, "Summer", [a, b, c])
    assert "Arrange" in page(alice.client.get(f"/albums/{album.pk}"))
    assert 'value="earlier"' in page(alice.client.get(f"/albums/{album.pk}?arrange"))
    do(alice, album, "later", photo=str(a.pk))
    assert order(album) == [b, a, c]
    do(alice, album, "earlier", photo=str(c.pk))
    assert order(album) == [b, c, a]
    do(alice, album, "place", photo=str(a.pk), before=str(b.pk))
    assert order(album) == [a, b, c]
    do(alice, album, "cover", photo=str(b.pk))
    do(alice, album, "rename", name="Winter")
    do(alice, album, "remove", photo=[str(a.pk)])
    album.refresh_from_db()
    assert (album.name, album.cover, order(album)) == ("Winter", b, [b, c])
    assert do(alice, album, "delete")["Location"] == "/albums/"
    assert not Album.objects.exists()
    assert Asset.objects.count() == 3


def test_only_what_is_the_owners_goes_into_an_album(alice: Person, charlie: Person, photo: Photos) -> None:
    album = albums.create(charlie.owner, "Charlie's")
    theirs = photo(alice.owner)
    charlie.client.post("/library/do", {"do": "album", "photo": str(theirs.pk), "album": str(album.pk)})
    assert order(album) == []
    mine = photo(alice.owner)
    alice.client.post("/library/do", {"do": "album", "photo": str(mine.pk), "album": str(album.pk)})
    assert order(album) == []
    charlie.client.patch(f"{API}/{album.pk}", {"photos": [str(theirs.pk)]}, "application/json")
    assert order(album) == []


def test_an_album_comes_as_a_zip_in_its_order(alice: Person, photo: Photos) -> None:
    a, b = photo(alice.owner), photo(alice.owner)
    Asset.objects.filter(pk=a.pk).update(name="../a:b.png")
    album = albums.create(alice.owner, "Summer", [a, b])
    content = b"".join(alice.client.get(f"/albums/{album.pk}/zip").streaming_content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["-a-b.png", "blue.png"]


def test_a_long_album_comes_in_parts(alice: Person) -> None:
    photos = Asset.objects.bulk_create(
        Asset(owner=alice.owner, kind="image", format="png", file=f"{number}", bytes=1, sha256="0" * 64)
        for number in range(130)
    )
    album = albums.create(alice.owner, "Long", photos)
    first = page(alice.client.get(f"/albums/{album.pk}"))
    more = re.search(r'href="([^"]*from=120)"', first)
    assert more
    assert str(photos[119].pk) in first
    assert str(photos[120].pk) not in first
    assert str(photos[129].pk) in page(alice.client.get(more[1]))
    link = sharing.share(album, expires_in=None)
    said = page(alice.client.get(f"/s/{link.token}"))
    assert "130 photos" in said
    assert str(photos[120].pk) not in said
    assert str(photos[129].pk) in page(alice.client.get(f"/s/{link.token}?from=120"))


def test_a_page_of_albums_costs_as_many_queries_however_many_there_are(alice: Person, photo: Photos) -> None:
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as made:
            assert alice.client.get(address).status_code == 200
        return len(made)

    few = albums.create(alice.owner, "few", [photo(alice.owner)])
    alice.client.get("/albums/")
    counts = queries("/albums/"), queries(f"/albums/{few.pk}"), queries("/library/")
    for number in range(10):
        many = albums.create(alice.owner, f"{number}", [photo(alice.owner) for _ in range(5)])
    assert (queries("/albums/"), queries(f"/albums/{many.pk}"), queries("/library/")) == counts


# The API -------------------------------------------------------------------------------------------------


def test_a_program_makes_changes_lists_and_deletes_albums(alice: Person, photo: Photos) -> None:
    a, b = photo(alice.owner), photo(alice.owner)
    made = program(alice, "POST", API, {"name": "Summer", "photos": [str(b.pk), str(a.pk)]})
    assert made.status_code == 201
    album = made.json()
    assert (album["name"], album["photos"], album["cover"]) == ("Summer", [str(b.pk), str(a.pk)], str(b.pk))
    address = f"{API}/{album['id']}"
    changed = program(alice, "PATCH", address, {"name": "Winter", "photos": [str(a.pk)], "cover": str(a.pk)})
    assert changed.json() == program(alice, "GET", address).json() != album
    assert program(alice, "GET", API).json()["items"] == [changed.json()]
    assert [
        item["id"] for item in program(alice, "GET", f"/api/v1/photos?album={album['id']}").json()["items"]
    ] == [str(a.pk)]
    wrong = program(alice, "PATCH", address, {"cover": str(b.pk)})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "unknown_photo")
    assert program(alice, "DELETE", address).status_code == 204
    assert program(alice, "GET", address).status_code == 404
    assert Asset.objects.count() == 2


def test_a_program_goes_through_many_albums_page_by_page(alice: Person) -> None:
    for number in range(60):
        albums.create(alice.owner, f"{number}")
    first = program(alice, "GET", API).json()
    second = program(alice, "GET", f"{API}?cursor={first['next_cursor']}").json()
    assert (len(first["items"]), len(second["items"]), second["next_cursor"]) == (50, 10, None)


def test_a_program_shares_a_photo_and_an_album(alice: Person, client: Any) -> None:
    result = finished(alice.owner).outputs.get()
    album = albums.create(alice.owner, "Summer", [result])
    for address in (f"/api/v1/photos/{result.pk}/share", f"{API}/{album.pk}/share"):
        made = program(alice, "POST", address, {"recipe": True})
        shown = made.json()["url"].removeprefix("http://testserver")
        assert client.get(shown).status_code == 200
        assert program(alice, "DELETE", address).status_code == 204
        assert client.get(shown).status_code == 404
