"""Any scale, a width or a print: the exact size, without seams, of any picture, or a refusal that says what is possible."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import pytest
from skimage import data

from ml.core.context import Context
from ml.core.device import infer, torch_device
from ml.core.errors import InputError
from ml.core.formats import Kind
from ml.core.images import Picture, to_float
from ml.core.operation import Facts
from ml.core.resize import resize
from ml.registry import registry
from ml.super_resolution import TILES
from ml.super_resolution.params import SCALES, Single, SuperResolutionParams, scale_of
from ml.super_resolution.run import COLOR, enlarge, loaded, shrunk
from tests.ml.running import develop, odd_pictures
from tests.ml.samples import photo

OPERATION = registry().get("super-resolution")
CAT = np.ascontiguousarray(data.chelsea()[112:192, 60:156])
QUICK: tuple[Single, ...] = ("bicubic", "fsrcnn", "srcnn", "latent-sr", "span", "clear-reality")
BICUBIC = ("48ff6729698ef9d9", "99471e63687a2a17", "1259a263da2087ef")
"""Of SHA-256, of the version before there were scales between: Pillow's bicubic is the same on every machine."""


def asked(**params: Any) -> SuperResolutionParams:
    parsed = OPERATION.parse(params)
    assert isinstance(parsed, SuperResolutionParams)
    return parsed


@pytest.mark.sampled(4)
@pytest.mark.parametrize("scale", [1.5, 2.7, 8])
@pytest.mark.parametrize("method", QUICK)
def test_any_scale_gives_the_exact_size(method: Single, scale: float, tmp_path: Path) -> None:
    picture = Picture(photo(17, 12))
    result = develop(
        "super-resolution", tmp_path, {"image": picture}, {"method": method, "scale": scale}, Context()
    )
    enlarged = result.images["image"]
    assert (enlarged.width, enlarged.height) == (round(17 * scale), round(12 * scale))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("scale", [1.5, 3.3, 6.5])
@pytest.mark.parametrize("method", QUICK)
def test_it_is_the_same_picture_and_lies_where_it_lay(method: Single, scale: float) -> None:
    enlarged = enlarge(Picture(CAT), method, scale, Context())
    back = resize(enlarged, 96, 80).pixels.astype(int) - CAT
    shifted = resize(Picture(np.roll(enlarged.pixels, 2, axis=1)), 96, 80).pixels.astype(int) - CAT
    assert np.abs(back).mean() < 4
    assert np.abs(back).mean() < np.abs(shifted).mean()
    assert np.abs(back.mean(axis=(0, 1))).max() < 0.6, "a colour shift"


@pytest.mark.sampled(2)
@pytest.mark.parametrize("scale", [1.5, 2.7, 5.3])
@pytest.mark.parametrize("method", QUICK)
def test_tiles_between_the_scales_equal_the_whole(
    method: Single, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = enlarge(Picture(CAT), method, scale, Context()).pixels.astype(int)
    monkeypatch.setattr("ml.super_resolution.run.TILES", {method: replace(TILES[method], side=50)})
    apart = np.abs(enlarge(Picture(CAT), method, scale, Context()).pixels - whole)
    # The bicubic overshoots: what differs by a level in the network's result may differ by two in this one.
    assert apart.max() <= 2
    assert apart.mean() < 0.01


@pytest.mark.parametrize(("scale", "digest"), list(zip(SCALES, BICUBIC, strict=True)))
def test_the_bicubic_of_a_whole_scale_is_that_of_before(scale: int, digest: str) -> None:
    pixels = enlarge(Picture(photo(24, 20)), "bicubic", scale, Context()).pixels
    assert hashlib.sha256(pixels.tobytes()).hexdigest().startswith(digest)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("method", ["span", "clear-reality"])
def test_a_whole_scale_is_still_rounded_once(method: Single, scale: int) -> None:
    """What a job of before gave must come again, byte by byte: the result of 4x made smaller before it is rounded."""
    pixels = photo(24, 20)
    network = loaded(method, "cpu", min(each for each in COLOR[method] if each >= scale))
    values = infer(
        lambda image: shrunk(network(image), [20 * scale, 24 * scale]), to_float(pixels), torch_device("cpu")
    )
    expected = np.rint(np.clip(values, 0, 1) * 255)
    assert np.array_equal(enlarge(Picture(pixels), method, scale, Context()).pixels, expected)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("kind", odd_pictures())
@pytest.mark.parametrize("method", ["clear-reality", "fsrcnn", "bicubic"])
def test_an_odd_picture_keeps_what_it_is_at_any_scale(method: Single, kind: str) -> None:
    picture = odd_pictures()[kind]
    enlarged = enlarge(picture, method, 2.5, Context())
    assert (enlarged.width, enlarged.height) == (round(picture.width * 2.5), round(picture.height * 2.5))
    assert enlarged.pixels.shape[2] == picture.pixels.shape[2]
    assert enlarged.pixels.dtype == picture.pixels.dtype


@pytest.mark.parametrize("method", COLOR)
def test_the_declared_scales_are_those_of_the_networks(method: Single) -> None:
    assert TILES[method].scales == tuple(COLOR[method])


def test_what_was_asked_before_is_asked_as_it_was() -> None:
    for scale in map(int, SCALES):
        params = asked(method="span", scale=scale)
        dumped = params.model_dump(mode="json")
        assert (dumped["size"], dumped["scale"], type(dumped["scale"])) == ("scale", scale, int)
        assert scale_of(params, 300, 200) == scale
    assert asked().model_dump()["scale"] == 2
    assert asked(scale="2.5").model_dump()["scale"] == 2.5
    assert asked(scale=4.0).model_dump_json() == asked(scale=4).model_dump_json()


def test_the_schema_is_a_number_with_bounds() -> None:
    scale = SuperResolutionParams.model_json_schema()["properties"]["scale"]
    assert (scale["type"], scale["minimum"], scale["maximum"]) == ("number", 1.5, 8)
    for wrong in (1.4, 8.1, float("nan"), "much"):
        with pytest.raises(pydantic.ValidationError):
            SuperResolutionParams.model_validate({"scale": wrong})


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ({}, "scale"),
        ({"scale": 3}, "scale"),
        ({"width": 3000}, "width"),
        ({"print_width": 10, "print_height": 15}, "print"),
        ({"size": "scale", "width": 3000}, "scale"),
    ],
)
def test_a_target_says_what_is_meant(given: dict[str, Any], size: str) -> None:
    assert asked(**given).size == size


def size_of(picture: tuple[int, int], **params: Any) -> tuple[int, int]:
    estimate = OPERATION.estimate(asked(**params), {"image": [Facts(Kind.IMAGE, *picture)]})
    return estimate.width, estimate.height


def test_a_width_is_met_exactly() -> None:
    for width in (700, 751, 999, 1003, 2999):
        assert size_of((width, 500), width=3000) == (3000, round(500 * 3000 / width))


@pytest.mark.parametrize(
    ("picture", "result"),
    [
        ((1200, 800), (5315, 3543)),  # the long side of the paper is not filled before the short one is
        ((800, 1200), (3543, 5315)),
        ((1000, 1000), (4724, 4724)),
        ((600, 800), (3543, 4724)),
    ],
)
def test_a_print_is_filled_lying_or_upright(picture: tuple[int, int], result: tuple[int, int]) -> None:
    assert size_of(picture, size="print") == size_of(picture, print_width=40, print_height=30) == result


def test_a_target_makes_that_size(tmp_path: Path) -> None:
    for params, size in (
        ({"width": 41}, (41, 29)),
        ({"size": "print", "print_width": 1, "print_height": 1.2}, (167, 118)),
    ):
        result = develop(
            "super-resolution",
            tmp_path,
            {"image": Picture(photo(24, 17))},
            {"method": "fsrcnn", **params},
            Context(),
        )
        assert (result.images["image"].width, result.images["image"].height) == size


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"width": 299}, "can be made 300 to 2400 pixels wide, and not 299: ask for a width between."),
        ({"width": 2401}, "can be made 300 to 2400 pixels wide, and not 2401: ask for a width between."),
        ({"size": "print"}, "can fill prints of 1.7 x 2.5 cm up to 13.5 x 20.3 cm: ask for one between."),
        ({"print_width": 1, "print_height": 1}, "1.7 x 2.5 cm up to 13.5 x 20.3 cm"),
    ],
)
def test_a_target_out_of_reach_is_refused_in_words(params: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        size_of((300, 200), **params)
    assert sentence in str(refused.value)


@pytest.mark.parametrize("method", QUICK)
def test_the_cost_grows_with_the_scale(method: Single) -> None:
    seconds = [TILES[method].seconds(800, 600, scale) for scale in (1.5, 2.5, 3.5, 6, 8)]
    assert seconds == sorted(seconds)
    assert TILES[method].seconds(800, 600, 2) <= seconds[1]
