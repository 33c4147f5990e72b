"""Small copies of pictures, which several people may want at once while somebody else deletes the same picture."""

import errno
import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.files.storage import default_storage
from PIL import Image

from jobs.models import Asset
from jobs.storage import thumbnails
from jobs.storage.folder import Folder
from tests.conftest import Person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]


def size_of(copy: bytes) -> tuple[int, int]:
    image = Image.open(io.BytesIO(copy))
    image.load()
    return image.size


def test_a_small_copy_is_whole_for_everybody_who_comes_at_once(alice: Person, photo: Any) -> None:
    same = photo(alice.owner)
    name = f"thumbnails/{same.sha256[:2]}/{same.sha256}-256.webp"

    def look(seen_by: Asset) -> set[tuple[int, int]]:
        return {size_of(thumbnails.thumbnail_of(seen_by.file, same.sha256, 256)) for _ in range(100)}

    def forget() -> None:
        for _ in range(400):
            default_storage.delete(name)

    # Each with a row of its own, as each request has.
    with ThreadPoolExecutor(5) as people:
        deleted = people.submit(forget)
        seen = set().union(*people.map(look, [Asset.objects.get(pk=same.pk) for _ in range(4)]))
        deleted.result()
    assert seen == {size_of(thumbnails.thumbnail_of(same.file, same.sha256, 256))}
    folder = default_storage.path(name).rpartition("/")[0]
    assert default_storage.listdir(folder)[1] == [name.rpartition("/")[2]]


def test_a_small_copy_is_shown_though_the_disk_is_full(
    alice: Person, photo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Folder, "replace", full)
    shown = alice.client.get(f"/files/photos/{photo(alice.owner).pk}?size=256")
    assert shown.status_code == 200
    assert max(size_of(shown.content)) <= 256
