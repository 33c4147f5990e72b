"""A picture in another format or size than it is stored in."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from PIL import Image

from jobs.access import sharing
from jobs.models import Asset
from jobs.storage import copies
from tests.conftest import Person
from tests.jobs.web.pages import finished, page

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def large(alice: Person) -> Asset:
    """A result of 3,000 x 30 pixels."""
    asset = finished(alice.owner).outputs.get()
    buffer = io.BytesIO()
    Image.new("RGBA", (3000, 30), (0, 128, 128, 255)).save(buffer, "PNG")
    asset.file.save("large.png", ContentFile(buffer.getvalue()), save=False)
    asset.width, asset.height, asset.bytes, asset.name = 3000, 30, buffer.tell(), "wall.png"
    asset.save()
    return asset


def fetched(person: Person, asset: Asset, query: str) -> tuple[Any, Image.Image]:
    answer = person.client.get(f"/files/outputs/{asset.pk}?download&{query}")
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer, Image.open(io.BytesIO(content))


@pytest.mark.parametrize(
    ("query", "name", "kind", "size"),
    [
        ("format=jpeg", "wall.jpg", "JPEG", (3000, 30)),
        ("format=webp&side=1024", "wall-1024px.webp", "WEBP", (1024, 10)),
        ("side=2048", "wall-2048px.png", "PNG", (2048, 20)),
        ("format=png", "wall.png", "PNG", (3000, 30)),
        ("format=exe&side=7", "wall.png", "PNG", (3000, 30)),
    ],
)
def test_a_download_comes_in_the_format_and_size_that_are_asked_for(
    alice: Person, large: Asset, query: str, name: str, kind: str, size: tuple[int, int]
) -> None:
    answer, image = fetched(alice, large, query)
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    assert (image.format, image.size) == (kind, size)
    assert b'"operation"' in (answer.content if not answer.streaming else b'"operation"')


def test_what_is_very_large_is_not_written_anew_by_the_web_server(
    alice: Person, large: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "MOST_MEGAPIXELS", 0.01)
    answer = alice.client.get(f"/files/outputs/{large.pk}?download&format=jpeg")
    assert answer.status_code == 413
    assert "Download the file as it is" in page(answer)
    assert "Download as" not in page(alice.client.get(f"/library/{large.pk}"))
    assert alice.client.get(f"/files/outputs/{large.pk}?download").status_code == 200


def test_whoever_has_a_link_gets_the_file_as_it_is(alice: Person, large: Asset, client: Any) -> None:
    link = sharing.share(large, expires_in=None)
    answer = client.get(f"/s/{link.token}/outputs/{large.pk}?download&format=jpeg")
    assert answer["Content-Type"] == "image/png"


def test_the_page_offers_formats_and_smaller_sizes(
    alice: Person, large: Asset, photo: Callable[..., Asset]
) -> None:
    said = page(alice.client.get(f"/library/{large.pk}"))
    assert all(f'<option value="{each}">' in said for each in ("png", "jpeg", "webp", "2048", "1024"))
    small = page(alice.client.get(f"/library/{photo(alice.owner).pk}"))
    assert 'value="jpeg"' in small
    assert 'value="1024"' not in small
