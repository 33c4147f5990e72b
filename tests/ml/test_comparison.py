"""PSNR, SSIM and MSE are those of the papers, tile or no tile, and the map shows where."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ml.comparison.run import STEPS, automatic_gain
from ml.core import metrics
from ml.core.context import Context, Inputs, Result
from ml.core.errors import DeadlineExceeded, InputError
from ml.core.execution import execute
from ml.core.images import Picture, write_picture
from ml.core.metrics import TILE_SIDE
from ml.registry import registry
from tests.ml.samples import RGBA, ints, photo

OPERATION = registry().get("comparison")


def compare(
    image: np.ndarray, reference: np.ndarray, folder: Path, context: Context | None = None, **params: Any
) -> Result:
    paths = {"image": [folder / "image.png"], "reference": [folder / "reference.png"]}
    for pixels, (path,) in zip((image, reference), paths.values(), strict=True):
        write_picture(Picture(pixels), path, "png")
    return execute(OPERATION, OPERATION.parse(params), Inputs(paths), context or Context())


def spoilt(pixels: np.ndarray, sigma: float = 9) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0, sigma / 255, pixels.shape)
    return ints(np.clip(pixels / np.iinfo(pixels.dtype).max + noise, 0, 1), pixels.dtype.type)


def test_tiles_measure_what_the_whole_picture_measures(tmp_path: Path) -> None:
    reference = photo(TILE_SIDE + 37, 90)
    image = spoilt(reference)
    found = compare(image, reference, tmp_path).metrics
    assert found["psnr"] == pytest.approx(metrics.psnr(image, reference), abs=1e-4)
    assert found["ssim"] == pytest.approx(metrics.ssim(image, reference), abs=1e-6)
    assert found["mse"] == pytest.approx(metrics.mse(image, reference), rel=1e-5)


def test_the_luminance_is_scored_as_super_resolution_papers_do(tmp_path: Path) -> None:
    reference = photo(TILE_SIDE + 37, 60)
    image = spoilt(reference)
    found = compare(image, reference, tmp_path).metrics
    tensors = (torch.from_numpy(each).permute(2, 0, 1) / 255 for each in (image, reference))
    score = metrics.luminance_score(*tensors, border=0)
    assert found["psnr_y"] == pytest.approx(score.psnr, abs=1e-2)
    assert found["ssim_y"] == pytest.approx(score.ssim, abs=1e-4)


def test_identical_pictures_have_no_psnr_and_a_black_map(tmp_path: Path) -> None:
    result = compare(photo(40, 30), photo(40, 30), tmp_path)
    assert result.metrics["psnr"] is result.metrics["psnr_y"] is None
    assert result.metrics["mse"] == 0
    assert result.metrics["ssim"] == pytest.approx(1)
    assert result.images["image"].pixels.max() < 8


def test_the_map_is_bright_where_the_pictures_differ_and_dark_elsewhere(tmp_path: Path) -> None:
    reference = photo(40, 30)
    image = reference.copy()
    image[5:9, 20:30, 1] ^= 8
    shown = compare(image, reference, tmp_path).images["image"].pixels
    assert shown[5:9, 20:30].max(axis=2).min() > 240
    shown[5:9, 20:30] = 0
    assert shown.max() < 8


def test_the_amplification_is_as_asked(tmp_path: Path) -> None:
    reference = np.full((8, 16, 1), 100, np.uint8)
    image = reference + np.arange(16, dtype=np.uint8)[None, :, None]
    faint, strong = (
        compare(image, reference, tmp_path, amplification=gain).images["image"].pixels.sum(axis=2)
        for gain in (1, 17)
    )
    assert faint.max() < 120
    assert strong[0, -1] > 600
    assert (np.diff(strong[0].astype(int)) > 0).all()


def test_automatic_amplification_is_not_held_down_by_a_few_strong_differences() -> None:
    differences = np.full((100, 100), STEPS // 50, np.uint16)
    differences[0, :50] = STEPS
    assert automatic_gain(differences) == pytest.approx(50, rel=0.01)


def test_two_gray_pictures_are_scored_as_gray(tmp_path: Path) -> None:
    reference = photo(40, 30)[:, :, :1]
    found = compare(spoilt(reference), reference, tmp_path).metrics
    assert found["psnr"] == pytest.approx(metrics.psnr(spoilt(reference), reference), abs=1e-4)
    assert "psnr_y" not in found


def test_a_gray_picture_equals_itself_in_colour_and_in_16_bits(tmp_path: Path) -> None:
    gray = photo(40, 30)[:, :, :1]
    for same in (np.repeat(gray, 3, axis=2), gray.astype(np.uint16) * 257):
        assert compare(same, gray, tmp_path).metrics["psnr"] is None


def test_differences_below_8_bits_count(tmp_path: Path) -> None:
    reference = photo(40, 30).astype(np.uint16) * 256
    found = compare(reference + 128, reference, tmp_path).metrics
    assert found["mse"] == pytest.approx((128 / 257) ** 2, rel=1e-3)


def test_what_is_hidden_by_transparency_does_not_count(tmp_path: Path) -> None:
    reference = ints(RGBA)
    image = reference.copy()
    image[reference[:, :, 3] == 0, :3] = 77
    assert (image != reference).any()
    assert compare(image, reference, tmp_path).metrics["psnr"] is None
    image[:, :, 3] = 255
    assert compare(image, reference, tmp_path).metrics["psnr"] is not None


def test_pictures_of_different_sizes_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"40 x 30 .* 80 x 60.*Resample"):
        compare(photo(40, 30), photo(80, 60), tmp_path)


def test_or_resampled_to_the_reference(tmp_path: Path) -> None:
    reference = photo(80, 60)
    small = reference.reshape(30, 2, 40, 2, 3).mean(axis=(1, 3)).astype(np.uint8)
    result = compare(small, reference, tmp_path, resample=True)
    assert (result.images["image"].width, result.images["image"].height) == (80, 60)
    assert (result.metrics["psnr"] or 0) > 20


@pytest.mark.parametrize("size", [(1, 1), (3000, 1), (10, 40)])
def test_a_picture_too_small_for_ssim_has_the_rest(size: tuple[int, int], tmp_path: Path) -> None:
    reference = photo(*size)
    found = compare(reference ^ 16, reference, tmp_path).metrics
    assert found["ssim"] is None
    assert found["mse"] == pytest.approx(256)


def test_it_can_be_stopped(tmp_path: Path) -> None:
    with pytest.raises(DeadlineExceeded):
        compare(photo(40, 30), photo(40, 30), tmp_path, Context(deadline=time.monotonic() - 1))
