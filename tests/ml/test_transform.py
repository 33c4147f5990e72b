"""Resize, crop, rotate, flip, copy."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ml.core.context import Context, Inputs, Result
from ml.core.errors import Cancelled, InputError
from ml.core.execution import estimate, execute
from ml.core.images import Picture, write_picture
from ml.core.resize import FILTERS, resize
from ml.registry import registry
from ml.transform import TransformParams, rotated
from tests.ml.samples import RGBA, ints, photo

OPERATION = registry().get("transform")


def transform(picture: Picture, folder: Path, **params: Any) -> Picture:
    return run(picture, folder, **params).images["image"]


def run(picture: Picture, folder: Path, **params: Any) -> Result:
    path = folder / "picture.png"
    write_picture(picture, path, "png")
    parsed, inputs = OPERATION.parse(params), Inputs({"image": [path]})
    result = execute(OPERATION, parsed, inputs, Context())
    expected, image = estimate(OPERATION, parsed, inputs), result.images["image"]
    assert (image.width, image.height) == (expected.width, expected.height)
    return result


@pytest.mark.parametrize(
    ("params", "size"),
    [
        ({}, (20, 10)),
        ({"percent": 250}, (100, 50)),
        ({"percent": 1}, (1, 1)),
        ({"width": 10}, (10, 5)),
        ({"height": 10}, (20, 10)),
        ({"width": 7, "height": 9, "percent": 300}, (7, 9)),
        ({"action": "crop", "left": 30, "top": 5}, (10, 15)),
        ({"action": "crop", "width": 8, "height": 4}, (8, 4)),
        ({"action": "rotate"}, (20, 40)),
        ({"action": "rotate", "angle": -180}, (40, 20)),
        ({"action": "flip"}, (40, 20)),
        ({"action": "copy"}, (40, 20)),
    ],
)
def test_the_size_is_as_asked(params: dict[str, Any], size: tuple[int, int], tmp_path: Path) -> None:
    result = transform(Picture(photo(40, 20)), tmp_path, **params)
    assert (result.width, result.height) == size


def test_exact_actions_move_pixels_and_change_none(tmp_path: Path) -> None:
    pixels = ints(RGBA, np.uint16)
    picture = Picture(pixels)
    assert np.array_equal(transform(picture, tmp_path, action="copy").pixels, pixels)
    assert np.array_equal(transform(picture, tmp_path, action="flip").pixels, pixels[:, ::-1])
    assert np.array_equal(
        transform(picture, tmp_path, action="flip", direction="vertical").pixels, pixels[::-1]
    )
    assert np.array_equal(
        transform(picture, tmp_path, action="rotate", angle=90).pixels, np.rot90(pixels, -1)
    )
    assert np.array_equal(transform(picture, tmp_path, action="rotate", angle=-90).pixels, np.rot90(pixels))
    cropped = transform(picture, tmp_path, action="crop", left=3, top=2, width=5, height=6)
    assert np.array_equal(cropped.pixels, pixels[2:8, 3:8])


@pytest.mark.parametrize(
    "params", [{"left": 40}, {"top": 20}, {"left": 1, "width": 40}, {"height": 21}, {"left": 65_535}]
)
def test_a_crop_outside_the_picture_is_refused_in_words(params: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="40 x 20 pixels"):
        transform(Picture(photo(40, 20)), tmp_path, action="crop", **params)


@pytest.mark.parametrize("name", FILTERS)
def test_it_resizes_8_bits_as_pillow_does(name: str) -> None:
    pixels = photo(61, 47)
    for size in ((30, 20), (150, 90)):
        expected = np.asarray(Image.fromarray(pixels).resize(size, FILTERS[name]))
        assert np.abs(resize(Picture(pixels), *size, name).pixels.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(33, 21), (130, 77)])
def test_strips_leave_no_seam(
    name: str, dtype: type, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = Picture(np.concatenate([photo(61, 47), photo(61, 47, seed=1)[:, :, :1]], axis=2).astype(dtype))
    whole = resize(picture, *size, name).pixels.astype(int)
    monkeypatch.setattr("ml.core.resize.STRIP_PIXELS", 400)
    assert np.abs(resize(picture, *size, name).pixels.astype(int) - whole).max() <= 1


def test_16_bits_resize_as_finely_as_they_are_stored() -> None:
    ramp = np.linspace(10_000, 10_400, 50).astype(np.uint16)[None, :, None].repeat(4, axis=0)
    enlarged = resize(Picture(ramp), 400, 4, "bicubic").pixels
    assert len(np.unique(enlarged)) > 256
    assert enlarged.min() > 9_990
    assert enlarged.max() < 10_410


@pytest.mark.parametrize("name", FILTERS)
def test_hidden_colour_does_not_bleed(name: str) -> None:
    pixels = np.full((16, 16, 4), (200, 100, 50, 255), np.uint8)
    pixels[:, :8] = (0, 255, 0, 0)
    enlarged = resize(Picture(pixels), 50, 50, name).pixels
    visible = enlarged[enlarged[:, :, 3] > 8][:, :3].astype(int)
    assert np.abs(visible - (200, 100, 50)).max() <= 8


def test_resizing_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.core.resize.STRIP_PIXELS", 400)

    class Cancelling(Context):
        def cancel_requested(self) -> bool:
            return True

    with pytest.raises(Cancelled):
        resize(Picture(photo(60, 40)), 90, 90, on_strip=Cancelling().advance)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_turning_there_and_back_gives_the_picture_back(dtype: type, tmp_path: Path) -> None:
    pixels = Picture(photo(80, 60)).to_pillow().resize((160, 120), Image.Resampling.BICUBIC)
    picture = Picture(np.asarray(pixels).astype(dtype) * (257 if dtype is np.uint16 else 1))
    there = transform(picture, tmp_path, action="rotate", angle=23)
    back = transform(there, tmp_path, action="rotate", angle=-23)
    left, top = (back.width - 160) // 2, (back.height - 120) // 2
    middle = back.pixels[top + 10 : top + 110, left + 10 : left + 150, :3].astype(float)
    assert np.abs(middle - picture.pixels[10:110, 10:150]).mean() < 0.02 * picture.peak


def test_it_turns_clockwise_around_the_middle(tmp_path: Path) -> None:
    pixels = np.zeros((101, 101, 3), np.uint8)
    pixels[10:16, 48:53] = 255  # up
    turned = transform(Picture(pixels), tmp_path, action="rotate", angle=45, corners="black").pixels
    y, x = (axis.mean() for axis in np.nonzero(turned[:, :, 0] > 128))
    middle = (turned.shape[0] - 1) / 2
    assert x - middle == pytest.approx(37.5 * math.sqrt(0.5), abs=1)
    assert middle - y == pytest.approx(37.5 * math.sqrt(0.5), abs=1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_corners_are_as_asked(dtype: type, tmp_path: Path) -> None:
    peak = np.iinfo(dtype).max
    picture = Picture(np.full((60, 90, 3), peak // 2, dtype))
    for corners, value in (("white", peak), ("black", 0)):
        turned = transform(picture, tmp_path, action="rotate", angle=30, corners=corners)
        assert turned.alpha is None
        assert (turned.pixels[0, 0] == value).all()
    transparent = transform(picture, tmp_path, action="rotate", angle=30)
    assert transparent.alpha is not None
    assert transparent.alpha[0, 0, 0] == 0
    middle = transparent.pixels[transparent.height // 2, transparent.width // 2].astype(int)
    assert np.abs(middle - (peak // 2, peak // 2, peak // 2, peak)).max() <= 1


@pytest.mark.slow
@given(st.integers(40, 200), st.integers(40, 200), st.floats(-180, 180))
@settings(deadline=None, max_examples=25)
def test_cutting_the_corners_leaves_nothing_but_picture(
    scratch_folder: Path, width: int, height: int, angle: float
) -> None:
    picture = Picture(np.full((height, width, 3), 255, np.uint8))
    turned = transform(picture, scratch_folder, action="rotate", angle=angle, corners="cut")
    assert turned.alpha is None
    assert turned.pixels[1:-1, 1:-1].size == 0 or turned.pixels[1:-1, 1:-1].min() > 250


SIDES = st.none() | st.integers(1, 90)


@given(
    size=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    channels=st.sampled_from([1, 3, 4]),
    params=st.fixed_dictionaries(
        {"action": st.sampled_from(["resize", "crop", "rotate", "flip", "copy"])},
        optional={
            "percent": st.floats(1, 1000),
            "width": SIDES,
            "height": SIDES,
            "left": st.integers(0, 70),
            "top": st.integers(0, 70),
            "angle": st.floats(-360, 360),
            "corners": st.sampled_from(["transparent", "white", "black", "cut"]),
            "direction": st.sampled_from(["horizontal", "vertical"]),
        },
    ),
)
@settings(deadline=None, max_examples=40)
def test_any_geometry_gives_the_size_that_was_estimated_or_a_sentence(
    scratch_folder: Path, size: tuple[int, int], channels: int, params: dict[str, Any]
) -> None:
    picture = Picture(np.random.default_rng(0).integers(0, 255, (*size, channels), np.uint8))
    try:
        result = transform(picture, scratch_folder, **params)  # which compares with the estimate
    except InputError:
        assert params["action"] == "crop"
        return
    assert result.pixels.dtype == np.uint8
    if params["action"] == "crop":
        assert result.width <= picture.width
        assert result.height <= picture.height
    if params["action"] == "rotate":
        assert max(result.width, result.height) <= math.ceil(math.hypot(*size)) + 1


@pytest.fixture(scope="session")
def scratch_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rotate")


def test_cutting_the_corners_keeps_as_much_as_fits() -> None:
    upright = rotated(TransformParams(action="rotate", angle=45, corners="cut"), 100, 100)
    assert upright == (70, 70)
    slight = rotated(TransformParams(action="rotate", angle=1, corners="cut"), 400, 300)
    assert slight[0] > 390
    assert slight[1] > 290


def test_the_engine_says_who_did_it(tmp_path: Path) -> None:
    assert run(Picture(photo(40, 20)), tmp_path).engine == "pillow"
    assert run(Picture(photo(40, 20)), tmp_path, action="flip").engine == "numpy"


@pytest.mark.parametrize(("corners", "level"), [("white", 255), ("black", 0)])
@pytest.mark.parametrize("angle", [30, 45, -10])
def test_paper_in_the_corners_leaves_a_picture_its_alpha(
    tmp_path: Path, corners: str, level: int, angle: float
) -> None:
    pixels = np.zeros((40, 60, 4), np.uint8)
    pixels[:, :, :3], pixels[:, :, 3] = (200, 60, 40), 128
    result = transform(Picture(pixels), tmp_path, action="rotate", angle=angle, corners=corners)
    height, width = result.pixels.shape[:2]
    assert result.pixels[0, 0].tolist() == [level, level, level, 255]
    assert result.pixels[height // 2, width // 2].tolist() == [200, 60, 40, 128]
