"""Classical denoisers: they remove noise, live and stoppable, and know how much there is."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from skimage import data

from ml.core.context import Context, Inputs, Result
from ml.core.errors import Cancelled
from ml.core.execution import execute
from ml.core.images import Picture, to_depth, write_picture
from ml.core.metrics import psnr
from ml.denoising.noise import estimate_sigma
from ml.denoising.run import FILTERS
from ml.registry import registry
from tests.ml.samples import photo

OPERATION = registry().get("denoise")
CLEAN = {
    "astronaut": cv2.resize(data.astronaut(), (256, 256), interpolation=cv2.INTER_AREA),
    "cat": cv2.resize(data.chelsea(), (224, 150), interpolation=cv2.INTER_AREA),
}


def noisy(clean: np.ndarray, sigma: float, dtype: type = np.uint8) -> Picture:
    """With Gaussian noise, rounded and clipped as in a file."""
    peak = np.iinfo(dtype).max
    noise = np.random.default_rng(0).normal(0, sigma, clean.shape)
    return Picture(np.rint(np.clip((clean + noise) / 255, 0, 1) * peak).astype(dtype))


def gray(clean: np.ndarray) -> np.ndarray:
    return np.asarray(Picture(clean).to_pillow().convert("L"))[:, :, None]


def denoise(picture: Picture, folder: Path, context: Context | None = None, **params: Any) -> Result:
    path = folder / "noisy.png"
    write_picture(picture, path, "png")
    return execute(OPERATION, OPERATION.parse(params), Inputs({"image": [path]}), context or Context())


def quality(picture: Picture, clean: np.ndarray) -> float:
    found = psnr(to_depth(picture.pixels, np.uint8), clean)
    assert found is not None
    return found


@pytest.mark.parametrize("name", CLEAN)
@pytest.mark.parametrize("sigma", [0, 5, 15, 25, 50])
def test_the_noise_is_estimated_within_a_tenth(name: str, sigma: float) -> None:
    assert estimate_sigma(noisy(CLEAN[name], sigma)) == pytest.approx(sigma, rel=0.1, abs=1)


@pytest.mark.parametrize("sigma", [10, 25, 50])
def test_the_noise_of_a_gray_picture_is_estimated_nearly_as_well(sigma: float) -> None:
    for clean in CLEAN.values():
        assert estimate_sigma(noisy(gray(clean), sigma)) == pytest.approx(sigma, rel=0.15)


def test_the_estimate_does_not_depend_on_the_depth() -> None:
    shallow, deep = (estimate_sigma(noisy(CLEAN["cat"], 25, depth)) for depth in (np.uint8, np.uint16))
    assert deep == pytest.approx(shallow, rel=0.02)


def test_the_estimate_does_not_look_under_transparency() -> None:
    picture = noisy(CLEAN["astronaut"], 25).with_alpha()
    picture.pixels[:, :150] = 0
    assert estimate_sigma(picture) == pytest.approx(25, rel=0.15)


@pytest.mark.parametrize("size", [(1, 1), (5, 5), (8, 3), (20, 20)])
def test_a_picture_too_small_to_tell_has_no_noise(size: tuple[int, int]) -> None:
    assert estimate_sigma(Picture(photo(*size))) == 0


# In decibels, a little below what each was measured to reach: at sigma 25 the noisy picture itself has about 20.5.
@pytest.mark.parametrize(
    ("method", "least"), [("nlm", 27), ("bilateral", 26.5), ("gaussian", 24.5), ("median", 23.5)]
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_method_removes_noise(method: str, least: float, dtype: type, tmp_path: Path) -> None:
    result = denoise(noisy(CLEAN["astronaut"], 25, dtype), tmp_path, method=method, sigma=25)
    restored = result.images["image"]
    assert restored.pixels.dtype == dtype
    assert quality(restored, CLEAN["astronaut"]) > least


def test_nlm_is_as_good_in_16_bits_as_in_8(tmp_path: Path) -> None:
    qualities = [
        quality(denoise(noisy(clean, 25, depth), tmp_path, sigma=25).images["image"], clean)
        for clean in (CLEAN["cat"], gray(CLEAN["cat"]))
        for depth in (np.uint8, np.uint16)
    ]
    assert qualities[1] > qualities[0] - 0.5
    assert qualities[3] > qualities[2] - 0.5


@pytest.mark.parametrize("method", FILTERS)
def test_tiles_of_every_method_equal_the_whole(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = noisy(CLEAN["astronaut"], 30)
    whole = denoise(picture, tmp_path, method=method, sigma=75).images["image"].pixels
    monkeypatch.setattr("ml.denoising.run.SIDE", 60)
    parts = denoise(picture, tmp_path, method=method, sigma=75).images["image"].pixels
    assert np.abs(parts.astype(int) - whole).max() <= (0 if method in ("nlm", "median") else 1)


def test_left_out_the_level_is_estimated_and_told(tmp_path: Path) -> None:
    estimated = denoise(noisy(CLEAN["cat"], 25), tmp_path, method="gaussian")
    given = denoise(noisy(CLEAN["cat"], 25), tmp_path, method="gaussian", sigma=25)
    assert estimated.metrics["sigma"] == pytest.approx(25, rel=0.1)
    assert given.metrics["sigma"] == 25
    difference = estimated.images["image"].pixels.astype(int) - given.images["image"].pixels
    assert np.abs(difference).mean() < 1


def test_no_noise_means_no_change(tmp_path: Path) -> None:
    for method in FILTERS:
        restored = denoise(Picture(CLEAN["cat"]), tmp_path, method=method, sigma=0).images["image"]
        assert np.array_equal(restored.pixels, CLEAN["cat"])


def test_nlm_of_a_large_photo_asks_several_times_a_second(tmp_path: Path) -> None:
    """A tile is a quarter of a megapixel: 0.6 s on one core."""

    class Impatient(Context):
        tiles = 0

        def progress(self, fraction: float, note: str = "") -> None:
            self.tiles += 1

        def cancel_requested(self) -> bool:
            return self.tiles == 2

    context = Impatient()
    with pytest.raises(Cancelled):
        denoise(noisy(cv2.resize(CLEAN["astronaut"], (1200, 900)), 25), tmp_path, context, sigma=25)
    assert context.tiles == 2
