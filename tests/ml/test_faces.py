"""What `faces` promises."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageEnhance, ImageOps

from ml.core.context import Context
from ml.core.errors import InputError
from ml.core.images import Picture, from_pillow
from tests.ml.running import develop, odd_pictures


@pytest.fixture
def astronaut() -> Picture:
    return Picture(skimage.data.astronaut())


def test_it_finds_the_face_and_frames_it(tmp_path: Path, astronaut: Picture) -> None:
    result = develop("faces", tmp_path, {"image": astronaut}, {}, Context())
    (face,) = result.facts["faces"]
    assert abs(face["left"] - 176) < 15
    assert abs(face["top"] - 70) < 15
    assert 80 < face["width"] < 130
    assert result.metrics == {"faces": 1}
    changed = (result.images["image"].pixels != astronaut.pixels).any(axis=2)
    assert changed.any()
    middle = changed[face["top"] + 10 : face["top"] + 60, face["left"] + 10 : face["left"] + 60]
    assert not middle.any()


@pytest.mark.slow
def test_a_photo_without_a_face_comes_back_as_it_was(tmp_path: Path) -> None:
    cat = Picture(skimage.data.chelsea())
    result = develop("faces", tmp_path, {"image": cat}, {}, Context())
    assert result.labels == []
    assert np.array_equal(result.images["image"].pixels, cat.pixels)


@pytest.mark.slow
def test_it_knows_a_person_again(tmp_path: Path, astronaut: Picture) -> None:
    mirrored = ImageOps.mirror(Image.fromarray(astronaut.pixels)).rotate(6).resize((380, 380))
    other = from_pillow(ImageEnhance.Brightness(mirrored).enhance(0.7))
    result = develop("faces", tmp_path, {"image": astronaut, "other": other}, {}, Context())
    assert str(result.labels[0].title) == "The same person"
    assert result.metrics["distance"] < 0.5
    assert list(result.images) == ["image", "other"]
    assert len(result.weights) == 2


@pytest.mark.slow
def test_comparing_needs_a_face_on_both_photos(tmp_path: Path, astronaut: Picture) -> None:
    cat = Picture(skimage.data.chelsea())
    with pytest.raises(InputError, match="second photo"):
        develop("faces", tmp_path, {"image": astronaut, "other": cat}, {}, Context())


@pytest.mark.parametrize("kind", odd_pictures())
def test_odd_pictures_keep_their_size_and_alpha(tmp_path: Path, kind: str) -> None:
    picture = odd_pictures()[kind]
    result = develop("faces", tmp_path, {"image": picture}, {}, Context()).images["image"]
    assert (result.width, result.height) == (picture.width, picture.height)
    assert (result.alpha is None) == (picture.alpha is None)
