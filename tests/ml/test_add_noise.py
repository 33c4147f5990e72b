"""Each kind of noise is as strong as it says, repeatable, and leaves alpha, gray and depth alone."""

import io
import time
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from PIL import Image

from ml.add_noise import Method
from ml.add_noise import run as running
from ml.core.context import Context, Inputs
from ml.core.errors import DeadlineExceeded
from ml.core.execution import execute
from ml.core.images import Picture, write_picture
from ml.registry import registry
from tests.ml.samples import STILL, photo, write_sample

OPERATION = registry().get("add-noise")
METHODS = get_args(Method)


def spoil_file(path: Path, context: Context | None = None, **params: Any) -> Picture:
    result = execute(OPERATION, OPERATION.parse(params), Inputs({"image": [path]}), context or Context())
    return result.images["image"]


def spoil(pixels: np.ndarray, folder: Path, context: Context | None = None, **params: Any) -> np.ndarray:
    path = folder / "clean.png"
    write_picture(Picture(pixels), path, "png")
    return spoil_file(path, context, **params).pixels


def plain(value: int, channels: int = 3, dtype: type = np.uint8) -> np.ndarray:
    return np.full((200, 300, channels), value, dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("sigma", [0, 5, 25])
def test_gaussian_noise_is_as_strong_as_asked(sigma: float, dtype: type, tmp_path: Path) -> None:
    clean = plain(np.iinfo(dtype).max // 2, dtype=dtype)
    noise = (spoil(clean, tmp_path, sigma=sigma).astype(float) - clean) * 255 / np.iinfo(dtype).max
    assert noise.std() == pytest.approx(sigma, rel=0.02, abs=1e-9)
    assert noise.mean() == pytest.approx(0, abs=0.3)
    channels = np.corrcoef(noise.reshape(-1, 3), rowvar=False) if sigma else np.eye(3)
    assert np.abs(channels - np.eye(3)).max() < 0.05


@pytest.mark.parametrize("share", [0, 10, 100])
def test_salt_and_pepper_hit_the_share_of_pixels_asked_for(share: float, tmp_path: Path) -> None:
    noisy = spoil(plain(100), tmp_path, method="salt-and-pepper", share=share)
    assert (noisy == noisy[:, :, :1]).all()
    for value in (0, 255):
        assert (noisy[:, :, 0] == value).mean() == pytest.approx(share / 200, abs=0.01)


def test_white_pixels_are_those_of_the_article_and_no_others_change(tmp_path: Path) -> None:
    clean = photo(300, 200) // 2
    noisy = spoil(clean, tmp_path, method="white-pixels")
    changed = (noisy != clean).any(axis=2)
    assert (noisy[changed] == 255).all()
    places = 300 * 200
    assert changed.sum() == pytest.approx(places * (1 - (1 - 1 / places) ** 3000), abs=60)


def test_poisson_noise_has_the_variance_of_counted_photons(tmp_path: Path) -> None:
    for value in (40, 160):
        noisy = spoil(plain(value), tmp_path, method="poisson", photons=100) / 255
        assert noisy.mean() == pytest.approx(value / 255, rel=0.01)
        assert noisy.var() == pytest.approx(value / 255 / 100, rel=0.05)


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_that_of_the_whole_picture_whatever_the_tiles(
    channels: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "SIDE", 50)
    clean = photo(173, 121)[:, :, :channels]
    file = io.BytesIO()
    Picture(clean).to_pillow().save(file, "JPEG", quality=12, subsampling="4:2:0")
    whole = np.asarray(Image.open(file)).reshape(clean.shape)
    assert np.array_equal(spoil(clean, tmp_path, method="jpeg", quality=12), whole)
    assert not np.array_equal(whole, clean)


@pytest.mark.sampled(38)
@pytest.mark.parametrize("name", STILL)
@pytest.mark.parametrize("method", METHODS)
def test_no_noise_damages_a_picture(method: str, name: str, tmp_path: Path) -> None:
    path = write_sample(name, tmp_path)
    clean = spoil_file(path, method="gaussian", sigma=0)
    noisy = spoil_file(path, method=method)
    assert noisy.pixels.shape == clean.pixels.shape
    assert noisy.pixels.dtype == clean.pixels.dtype
    assert clean.alpha is None or np.array_equal(noisy.alpha, clean.alpha)


@pytest.mark.parametrize("method", METHODS)
def test_the_seed_decides(method: str, tmp_path: Path) -> None:
    clean = photo(60, 40)
    one, same, other = (spoil(clean, tmp_path, Context(seed=seed), method=method) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, clean)
    assert np.array_equal(one, other) == (method == "jpeg")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [(1, 1), (65_535, 2)])
def test_it_takes_the_smallest_and_the_widest(method: str, size: tuple[int, int], tmp_path: Path) -> None:
    clean = np.full((size[1], size[0], 1), 90, np.uint8)
    assert spoil(clean, tmp_path, method=method).shape == clean.shape


@pytest.mark.parametrize("method", METHODS)
def test_it_can_be_stopped(method: str, tmp_path: Path) -> None:
    with pytest.raises(DeadlineExceeded):
        spoil(photo(40, 30), tmp_path, Context(deadline=time.monotonic() - 1), method=method)
