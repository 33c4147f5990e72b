"""Our own networks over pictures of every kind, measuring by a reference, and all methods side by side."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from skimage import data

import ml.super_resolution as declared
from ml.core.context import Context, Inputs, Result
from ml.core.device import infer, torch_device
from ml.core.errors import Cancelled, InputError
from ml.core.execution import execute, recipe
from ml.core.formats import Kind
from ml.core.images import Picture, to_float, write_picture
from ml.core.metrics import luminance_score
from ml.core.operation import Facts
from ml.registry import registry
from ml.super_resolution import CLEAR_REALITY, TILES
from ml.super_resolution.evaluate import enlargement, measure
from ml.super_resolution.params import Single
from ml.super_resolution.run import enlarge, enlarger
from tests.ml.recorder import Recorder
from tests.ml.samples import alpha, photo

OPERATION = registry().get("super-resolution")
CAT = np.ascontiguousarray(data.chelsea()[100:196, 60:204])
OURS: tuple[Single, ...] = ("latent-sr", "fsrcnn", "srcnn")


def develop(
    folder: Path,
    picture: np.ndarray,
    reference: np.ndarray | None = None,
    context: Context | None = None,
    **params: Any,
) -> Result:
    files = {"image": picture} | ({} if reference is None else {"reference": reference})
    for slot, pixels in files.items():
        write_picture(Picture(pixels), folder / f"{slot}.png", "png")
    inputs = Inputs({slot: [folder / f"{slot}.png"] for slot in files})
    return execute(OPERATION, OPERATION.parse(params), inputs, context or Context())


def halved(pixels: np.ndarray) -> np.ndarray:
    return cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("method", OURS)
def test_the_enlarged_picture_is_the_same_picture(method: Single, scale: int) -> None:
    enlarged = enlarge(Picture(CAT), method, scale, Context())
    assert (enlarged.width, enlarged.height) == (144 * scale, 96 * scale)
    back = cv2.resize(enlarged.pixels, (144, 96), interpolation=cv2.INTER_AREA).astype(int) - CAT
    assert np.abs(back).mean() < 3
    assert np.abs(back.mean(axis=(0, 1))).max() < 0.5, "a colour shift"


@pytest.mark.sampled(1)
@pytest.mark.parametrize("method", OURS)
def test_the_border_is_as_good_as_the_middle(method: Single) -> None:
    enlarged = enlarge(Picture(CAT), method, 2, Context()).pixels.astype(int)
    bicubic = enlarge(Picture(CAT), "bicubic", 2, Context()).pixels
    apart = np.abs(enlarged - bicubic).mean(axis=2)
    frame = np.concatenate(
        [apart[:4].ravel(), apart[-4:].ravel(), apart[:, :4].ravel(), apart[:, -4:].ravel()]
    )
    assert frame.mean() < 2 * apart.mean()


@pytest.mark.parametrize("method", OURS)
def test_gray_alpha_and_depth_stay(method: Single) -> None:
    color = photo(24, 20).mean(axis=2, keepdims=True)
    pixels = np.concatenate([color * 257, alpha() * 65535], axis=2).astype(np.uint16)
    enlarged = enlarge(Picture(pixels), method, 2, Context())
    assert enlarged.pixels.shape == (40, 48, 2)
    assert enlarged.pixels.dtype == np.uint16
    assert len(np.unique(enlarged.pixels[:, :, 0] % 257)) > 100, "rounded to 8 bits"
    back = cv2.resize(enlarged.pixels, (24, 20), interpolation=cv2.INTER_AREA).astype(int) - pixels
    assert np.abs(back[:, :, 1]).mean() < 300
    assert np.abs(back[:, 10:, 0]).mean() < 16 * 257


def test_a_gray_picture_and_the_same_in_rgb_become_nearly_the_same() -> None:
    """Nearly: Y of an RGB picture spans 219 of 255 steps."""
    gray = CAT[:, :, :1]
    as_gray, as_rgb = (
        enlarge(Picture(pixels), "latent-sr", 2, Context()).pixels.astype(int)
        for pixels in (gray, np.repeat(gray, 3, axis=2))
    )
    assert np.abs(as_gray - as_rgb).mean() < 1
    assert np.ptp(as_rgb, axis=2).max() <= 1, "a tint"


@pytest.mark.sampled(2)
@pytest.mark.parametrize("size", [(1, 1), (3, 1), (2, 50)])
@pytest.mark.parametrize("method", OURS)
def test_the_smallest_pictures_are_enlarged(method: Single, size: tuple[int, int]) -> None:
    enlarged = enlarge(Picture(photo(*size)), method, 3, Context())
    assert (enlarged.width, enlarged.height) == (3 * size[0], 3 * size[1])


@pytest.mark.slow
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("method", OURS)
def test_tiles_equal_the_whole(method: Single, scale: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _, apply = enlarger(method, scale, "cpu")
    whole = np.rint(np.clip(infer(apply, to_float(CAT), torch_device("cpu")), 0, 1) * 255)
    monkeypatch.setattr("ml.super_resolution.run.TILES", {method: replace(TILES[method], side=50)})
    assert np.abs(enlarge(Picture(CAT), method, scale, Context()).pixels - whole).max() <= 1


def test_progress_moves_with_the_layers_and_never_back() -> None:
    heard = Recorder()
    enlarge(Picture(CAT), "latent-sr", 2, heard)
    assert heard.fractions == sorted(heard.fractions)
    assert len(set(heard.fractions)) > 10
    assert heard.fractions[-1] == 1


def test_the_result_names_its_weights(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    write_picture(Picture(photo(8, 8)), path, "png")
    inputs, context, params = Inputs({"image": [path]}), Context(), OPERATION.parse({})
    how = recipe(OPERATION, params, inputs, execute(OPERATION, params, inputs, context), context)
    assert how["params"]["method"] == "clear-reality"
    assert how["weights"] == {CLEAR_REALITY.name: CLEAR_REALITY.sha256}


def test_a_reference_is_scored_as_papers_do(tmp_path: Path) -> None:
    result = develop(tmp_path, halved(CAT), CAT, method="fsrcnn", scale=2)
    images = (torch.from_numpy(each).permute(2, 0, 1) / 255 for each in (result.images["image"].pixels, CAT))
    score = luminance_score(*images, border=2)
    assert result.metrics["psnr"] == pytest.approx(score.psnr, abs=0.02)
    assert result.metrics["ssim"] == pytest.approx(score.ssim, abs=1e-3)


def test_without_a_reference_there_are_no_figures(tmp_path: Path) -> None:
    assert develop(tmp_path, halved(CAT), method="bicubic").metrics == {}


@pytest.mark.parametrize("size", [(1, 1), (5, 40)])
def test_a_reference_too_small_for_ssim_gives_a_psnr(size: tuple[int, int], tmp_path: Path) -> None:
    result = develop(tmp_path, photo(*size), photo(2 * size[0], 2 * size[1], seed=4), method="bicubic")
    assert result.metrics["psnr"]
    assert result.metrics["ssim"] is None


def test_a_reference_of_another_size_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"144 x 96 pixels, and has to be 432 x 288.*leave it out"):
        develop(tmp_path, CAT, CAT, scale=3)


@pytest.mark.slow
def test_compare_gives_every_method_with_its_time(tmp_path: Path) -> None:
    result = develop(tmp_path, CAT[:24, :32], method="compare", scale=2)
    methods = declared.compared(32, 24, 2)
    assert list(result.images) == methods
    assert methods[0] == "clear-reality"
    assert {"span", "latent-sr", "fsrcnn", "srcnn", "bicubic", "real-esrgan", "real-esrgan-compact"} < set(
        methods
    )
    assert all((picture.width, picture.height) == (64, 48) for picture in result.images.values())
    assert set(result.metrics) == {f"{method}_seconds" for method in methods}
    assert {"latent-sr", "fsrcnn", "srcnn-x2", "real-esrgan-x4plus"} < set(result.weights)
    for name in ("latent-sr", "bicubic"):
        alone = develop(tmp_path, CAT[:24, :32], method=name, scale=2).images["image"].pixels
        assert np.array_equal(result.images[name].pixels, alone)


@pytest.mark.slow
def test_with_a_reference_the_best_comes_first(tmp_path: Path) -> None:
    truth = np.ascontiguousarray(cv2.resize(halved(CAT), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))
    result = develop(tmp_path, halved(CAT), truth, method="compare", scale=2)
    ratios = [result.metrics[f"{method}_psnr"] or 0 for method in result.images]
    assert ratios == sorted(ratios, reverse=True)
    assert next(iter(result.images)) == "bicubic"
    assert all(0 < (result.metrics[f"{method}_ssim"] or 0) <= 1 for method in result.images)


def test_slow_methods_are_left_out_of_a_large_comparison() -> None:
    assert "real-esrgan" in declared.compared(400, 300, 4)
    assert "real-esrgan" not in declared.compared(1000, 800, 4)
    assert declared.compared(2000, 1500, 2)[0] == "clear-reality"


def test_the_cost_of_a_comparison_is_that_of_all() -> None:
    facts = {"image": [Facts(Kind.IMAGE, 600, 400)]}
    costs = {
        method: OPERATION.estimate(OPERATION.parse({"method": method}), facts).seconds
        for method in ("latent-sr", "real-esrgan", "compare")
    }
    assert costs["compare"] > costs["real-esrgan"] + costs["latent-sr"] - 2


def test_a_comparison_too_large_for_memory_is_refused_in_words() -> None:
    with pytest.raises(InputError, match="50 megapixels at most, and would have 192"):
        OPERATION.estimate(
            OPERATION.parse({"method": "compare", "scale": 4}), {"image": [Facts(Kind.IMAGE, 4000, 3000)]}
        )


@pytest.mark.slow
def test_a_comparison_can_be_stopped(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        develop(tmp_path, CAT, method="compare", context=Recorder(cancel_at=40))


@pytest.mark.sampled(1)
@pytest.mark.parametrize("method", ["bicubic", *OURS, "real-esrgan-compact"])
def test_every_method_is_measured(method: Single, tmp_path: Path) -> None:
    for name, pixels in (("rgb", CAT), ("gray", CAT[:, :, :1])):
        write_picture(Picture(pixels), tmp_path / f"{name}.png", "png")
    found = measure(method, 2, tmp_path, "cpu")
    assert found["images"] == 2
    assert 22 < (found["psnr"] or 0) < 45
    assert enlargement(method, 2, "cpu")(torch.rand(3, 8, 9)).shape == (3, 16, 18)
