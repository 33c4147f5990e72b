"""Short forms of `make fuzz`."""

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from jobs.models import Photo
from tests.conftest import Person
from tests.fuzz.corpus import hostile_file

FILES = 300


@pytest.mark.django_db
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_a_hostile_file_is_a_photo_or_one_sentence(alice: Person, media: Callable[[], set[str]]) -> None:
    client = Client(headers={"authorization": f"Bearer {alice.token}"})
    for number in range(FILES):
        file = hostile_file(0, number)
        answer = client.post("/api/v1/photos", {"file": SimpleUploadedFile("photo", file.content)})
        told = answer.json()
        if answer.status_code == 201:
            photo = Photo.objects.get()
            if photo.kind in ("image", "animation", "video"):
                small = client.get(f"/files/photos/{photo.id}?size=256")
                assert small.status_code == 200, (number, file.label)
            photo.delete()
            photo.file.storage.delete(str(photo.file))
        else:
            assert 400 <= answer.status_code < 500, (number, file.label, told)
            assert answer["Content-Type"] == "application/problem+json"
            assert told["detail"].endswith((".", "…")), told
        left = {name for name in media() if not name.startswith("thumbnails/")}
        assert not left, (number, file.label)
