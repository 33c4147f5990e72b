"""A result comes back in the format of its photo, and loses as little as may be."""

import io
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from jobs.intake import receive
from jobs.library.naming import file_name
from jobs.models import Asset
from jobs.queue import lifecycle
from jobs.work import runner
from tests.conftest import Person
from tests.jobs.hostile import encode, picture
from tests.jobs.kinds import dng, heic, made_up
from tests.support import submit_one

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("real_operations", "redis")]


def result_of(person: Person, name: str, content: bytes, **params: Any) -> Asset:
    photo = receive.receive(person.owner, SimpleUploadedFile(name, content))
    submit_one(person.owner, "transform", {"action": "flip", **params}, {"image": [photo]})
    claim = lifecycle.claim("cpu")
    assert claim
    runner.run(claim)
    return Asset.objects.made().select_related("made_by", "original").get()


@pytest.mark.parametrize(
    ("name", "content", "called"),
    [
        ("a.jpg", encode(picture(), "JPEG", quality=70), "a-edited.jpg"),
        ("a.HEIC", heic(made_up(48, 32)), "a-edited.jpg"),
        ("a.dng", dng(made_up(48, 32)), "a-edited.png"),
        ("a.tif", encode(picture(), "TIFF"), "a-edited.png"),
        ("a.png", encode(picture("RGBA"), "PNG"), "a-edited.png"),
        ("a.avif", encode(picture("RGBA"), "AVIF"), "a-edited.webp"),
    ],
)
def test_a_result_has_the_format_of_its_photo(alice: Person, name: str, content: bytes, called: str) -> None:
    result = result_of(alice, name, content)

    assert file_name(result) == called
    with Image.open(io.BytesIO(result.file.read())) as image:
        assert FORMAT_OF[called.rpartition(".")[2]] == image.format


def test_a_jpeg_comes_back_with_all_of_its_colour(alice: Person) -> None:
    result = result_of(alice, "a.jpg", encode(picture(), "JPEG", quality=95, subsampling=0))

    with Image.open(io.BytesIO(result.file.read())) as image:
        layers: Any = image
        assert [component[1:3] for component in layers.layer] == [(1, 1)] * 3
        assert (
            np.abs(
                np.asarray(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)).astype(int) - picture()
            ).mean()
            < 1
        )


def test_what_is_asked_for_is_what_comes(alice: Person) -> None:
    result = result_of(alice, "a.jpg", encode(picture(), "JPEG"), format="png")

    assert file_name(result) == "a-edited.png"


FORMAT_OF = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}
