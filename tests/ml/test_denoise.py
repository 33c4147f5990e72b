"""Denoisers: they remove noise, live and stoppable, and know how much there is."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from skimage import data

from ml.core.context import Context, Inputs, Result
from ml.core.errors import Cancelled, InputError
from ml.core.execution import execute
from ml.core.formats import Kind
from ml.core.images import Picture, to_depth, write_picture
from ml.core.metrics import psnr, ssim
from ml.core.operation import Facts
from ml.denoise import BLIND
from ml.denoise import SECONDS_PER_MEGAPIXEL as METHODS
from ml.denoise.evaluate import measure, measure_blind
from ml.denoise.flat import with_means_of
from ml.denoise.messages import NO_NOISE
from ml.denoise.noise import NONE_BELOW, estimate_sigma
from ml.denoise.protocols import KINDS, gaussian, jpeg
from ml.denoise.run import FILTERS
from ml.registry import registry
from tests.ml.recorder import Recorder
from tests.ml.samples import alpha, photo

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


def denoise(
    picture: Picture,
    folder: Path,
    context: Context | None = None,
    reference: Picture | None = None,
    **params: Any,
) -> Result:
    files = {"image": picture} | ({"reference": reference} if reference else {})
    for slot, each in files.items():
        write_picture(each, folder / f"{slot}.png", "png")
    inputs = Inputs({slot: [folder / f"{slot}.png"] for slot in files})
    return execute(OPERATION, OPERATION.parse(params), inputs, context or Context())


def quality(picture: Picture, clean: np.ndarray) -> float:
    found = psnr(to_depth(picture.pixels, np.uint8), clean)
    assert found is not None
    return found


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", CLEAN)
@pytest.mark.parametrize("sigma", [5, 15, 25])
def test_the_noise_is_estimated_within_a_tenth(name: str, sigma: float) -> None:
    assert estimate_sigma(noisy(CLEAN[name], sigma)) == pytest.approx(sigma, rel=0.1, abs=1)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("sigma", [10, 25, 50])
def test_the_noise_of_a_gray_picture_is_estimated_nearly_as_well(sigma: float) -> None:
    for clean in CLEAN.values():
        assert estimate_sigma(noisy(gray(clean), sigma)) == pytest.approx(sigma, rel=0.15)


def within_a_fifth(kind: str, clean: np.ndarray, sigma: float) -> bool:
    pixels, truth = KINDS[kind](clean, sigma)
    return estimate_sigma(picture_of(pixels)) == pytest.approx(truth, rel=0.2)


def picture_of(pixels: np.ndarray) -> Picture:
    return Picture(pixels.reshape(*pixels.shape[:2], -1))


@pytest.mark.sampled(3)
@pytest.mark.parametrize("kind", KINDS)
def test_the_noise_is_found_whatever_was_done_to_the_picture(kind: str) -> None:
    for sigma in (10, 25):
        assert within_a_fifth(kind, data.chelsea(), sigma), sigma


@pytest.mark.slow
@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee"])
@pytest.mark.parametrize("kind", KINDS)
def test_noise_of_any_level_is_found_in_any_photo(kind: str, name: str) -> None:
    """Of less than 10 a JPEG of low quality leaves too little to tell."""
    least = 10 if "JPEG" in kind else 5
    levels = [sigma for sigma in (5, 10, 15, 25, 40, 60) if sigma >= least]
    right = [within_a_fifth(kind, getattr(data, name)(), sigma) for sigma in levels]
    assert right.count(False) <= 1, dict(zip(levels, right, strict=True))


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "camera", "brick"])
def test_the_texture_of_a_clean_picture_is_no_noise(name: str) -> None:
    clean = getattr(data, name)()
    assert estimate_sigma(picture_of(clean)) < NONE_BELOW
    for quality in (75, 90):
        assert estimate_sigma(picture_of(jpeg(clean, quality))) < NONE_BELOW, quality


def test_a_gray_picture_in_three_channels_is_as_noisy_as_in_one() -> None:
    picture = noisy(gray(CLEAN["cat"]), 15)
    thrice = Picture(np.repeat(picture.pixels, 3, axis=2))
    assert estimate_sigma(thrice) == pytest.approx(estimate_sigma(picture), rel=0.01)


@pytest.mark.parametrize("method", ["dncnn", "nlm", "compare"])
def test_where_no_noise_is_found_it_is_said_and_nothing_changes(method: str, tmp_path: Path) -> None:
    result = denoise(Picture(CLEAN["cat"]), tmp_path, method=method)
    assert [label.title for label in result.labels] == [NO_NOISE]
    assert result.metrics["sigma"] == 0
    left_alone = [image for name, image in result.images.items() if name != "jpeg"]
    assert all(np.array_equal(image.pixels, CLEAN["cat"]) for image in left_alone)


def test_where_there_is_noise_nothing_is_said(tmp_path: Path) -> None:
    assert denoise(noisy(CLEAN["cat"], 15), tmp_path, method="median").labels == []
    assert denoise(noisy(CLEAN["cat"], 15), tmp_path, method="median", sigma=0).labels == []


# In decibels, what the true level given by hand gains, less half of one.
@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("subsampling", "gain"), [pytest.param(0, 7.0, id="4:4:4"), pytest.param(2, 4.0, id="4:2:0")]
)
def test_the_network_cleans_a_noisy_jpeg_by_itself(subsampling: int, gain: float, tmp_path: Path) -> None:
    clean = np.ascontiguousarray(data.astronaut()[:256, 120:376])
    picture = Picture(jpeg(gaussian(clean, 15), 95, subsampling))
    restored = denoise(picture, tmp_path, method="dncnn").images["image"]
    assert quality(restored, clean) > quality(picture, clean) + gain


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "color", [(224, 172, 140), (128, 128, 128), (200, 30, 30), (255, 255, 255), (0, 0, 0)], ids=str
)
@pytest.mark.parametrize("sigma", [25, 75])
def test_a_flat_area_keeps_its_mean_at_any_level(
    color: tuple[int, int, int], sigma: float, tmp_path: Path
) -> None:
    flat = np.full((64, 64, 3), color, np.uint8)
    for pixels in (flat, gaussian(flat, 6)) if min(color) >= 30 and max(color) <= 225 else (flat,):
        restored = denoise(Picture(pixels), tmp_path, sigma=sigma).images["image"].pixels
        assert np.abs(restored.mean(axis=(0, 1)) - pixels.mean(axis=(0, 1))).max() <= 1


def test_what_keeps_the_means_puts_no_noise_back() -> None:
    noise = torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0)) * 25 / 255
    kept = with_means_of(0.5 + noise, torch.full_like(noise, 0.5))
    assert 255 * kept.std() < 1


@pytest.mark.slow
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
@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("method", "least"),
    [("dncnn", 28.5), ("nlm", 27), ("bilateral", 26.5), ("gaussian", 24.5), ("median", 23.5)],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_method_removes_noise(method: str, least: float, dtype: type, tmp_path: Path) -> None:
    result = denoise(noisy(CLEAN["astronaut"], 25, dtype), tmp_path, method=method, sigma=25)
    restored = result.images["image"]
    assert restored.pixels.dtype == dtype
    assert quality(restored, CLEAN["astronaut"]) > least


@pytest.mark.slow
def test_nlm_is_as_good_in_16_bits_as_in_8(tmp_path: Path) -> None:
    qualities = [
        quality(denoise(noisy(clean, 25, depth), tmp_path, method="nlm", sigma=25).images["image"], clean)
        for clean in (CLEAN["cat"], gray(CLEAN["cat"]))
        for depth in (np.uint8, np.uint16)
    ]
    assert qualities[1] > qualities[0] - 0.5
    assert qualities[3] > qualities[2] - 0.5


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_tiles_of_every_method_equal_the_whole(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = noisy(CLEAN["astronaut"], 30)
    whole = denoise(picture, tmp_path, method=method, sigma=75).images["image"].pixels
    monkeypatch.setattr("ml.denoise.run.SIDE", 60)
    parts = denoise(picture, tmp_path, method=method, sigma=75).images["image"].pixels
    assert np.abs(parts.astype(int) - whole).max() <= (0 if method in ("nlm", "median") else 1)


@pytest.mark.slow
def test_left_out_the_level_is_estimated_and_told(tmp_path: Path) -> None:
    estimated = denoise(noisy(CLEAN["cat"], 25), tmp_path, method="gaussian")
    given = denoise(noisy(CLEAN["cat"], 25), tmp_path, method="gaussian", sigma=25)
    assert estimated.metrics["sigma"] == pytest.approx(25, rel=0.1)
    assert given.metrics["sigma"] == 25
    difference = estimated.images["image"].pixels.astype(int) - given.images["image"].pixels
    assert np.abs(difference).mean() < 1


def test_no_noise_means_no_change(tmp_path: Path) -> None:
    for method in set(METHODS) - BLIND:
        restored = denoise(Picture(CLEAN["cat"]), tmp_path, method=method, sigma=0).images["image"]
        assert np.array_equal(restored.pixels, CLEAN["cat"])


@pytest.mark.slow
def test_nlm_of_a_large_photo_asks_several_times_a_second(tmp_path: Path) -> None:
    """A tile is a quarter of a megapixel: 0.6 s on one core."""

    class Impatient(Context):
        tiles = 0

        def progress(self, fraction: float, note: object = None) -> None:
            self.tiles += 1

        def cancel_requested(self) -> bool:
            return self.tiles == 2

    context = Impatient()
    with pytest.raises(Cancelled):
        denoise(
            noisy(cv2.resize(CLEAN["astronaut"], (1200, 900)), 25), tmp_path, context, method="nlm", sigma=25
        )
    assert context.tiles == 2


@pytest.mark.slow
def test_the_network_that_is_told_the_level_beats_every_filter(tmp_path: Path) -> None:
    for name, clean in (*CLEAN.items(), ("gray", gray(CLEAN["astronaut"]))):
        result = denoise(noisy(clean, 25), tmp_path, reference=Picture(clean), method="compare", sigma=25)
        ratios = {method: result.metrics[f"{method}_psnr"] or 0 for method in METHODS}
        assert ratios["dncnn"] > max(ratios[method] for method in FILTERS) + 0.5, name


def test_a_level_without_a_method_is_for_the_network_that_is_told_it() -> None:
    chosen = [
        OPERATION.parse(params).model_dump()["method"]
        for params in ({}, {"sigma": None}, {"sigma": 25}, {"sigma": 0}, {"sigma": 25, "method": "camera"})
    ]
    assert chosen == ["camera", "camera", "dncnn", "dncnn", "camera"]


def test_the_network_keeps_gray_alpha_and_depth(tmp_path: Path) -> None:
    color = photo(24, 20).mean(axis=2, keepdims=True)
    pixels = np.concatenate([color * 257, alpha() * 65535], axis=2).astype(np.uint16)
    restored = denoise(Picture(pixels), tmp_path, sigma=15).images["image"].pixels
    assert restored.shape == pixels.shape
    assert restored.dtype == np.uint16
    assert np.array_equal(restored[:, :, 1], pixels[:, :, 1])
    assert len(np.unique(restored[:, :, 0] % 257)) > 100, "rounded to 8 bits"


@pytest.mark.slow
def test_the_network_shifts_no_colour(tmp_path: Path) -> None:
    restored = denoise(noisy(CLEAN["astronaut"], 15), tmp_path, sigma=15).images["image"].pixels
    shift = (restored.astype(float) - noisy(CLEAN["astronaut"], 15).pixels).mean(axis=(0, 1))
    assert np.abs(shift).max() < 1


@pytest.mark.parametrize("size", [(1, 1), (3, 1), (9, 17)])
def test_the_network_takes_the_smallest_pictures(size: tuple[int, int], tmp_path: Path) -> None:
    restored = denoise(Picture(photo(*size)), tmp_path, sigma=25).images["image"]
    assert (restored.width, restored.height) == size


def test_the_network_is_watched_and_stopped_between_its_layers(tmp_path: Path) -> None:
    heard = Recorder()
    denoise(noisy(CLEAN["cat"], 25), tmp_path, heard, sigma=25)
    assert heard.fractions == sorted(heard.fractions)
    assert len(set(heard.fractions)) > 20
    with pytest.raises(Cancelled):
        denoise(noisy(CLEAN["cat"], 25), tmp_path, Recorder(cancel_at=10), sigma=25)


def test_a_reference_gives_psnr_and_ssim(tmp_path: Path) -> None:
    clean = CLEAN["cat"]
    result = denoise(noisy(clean, 25), tmp_path, reference=Picture(clean), sigma=25)
    restored = result.images["image"].pixels
    assert result.metrics["psnr"] == pytest.approx(psnr(restored, clean), abs=1e-3)
    assert result.metrics["ssim"] == pytest.approx(ssim(restored, clean), abs=1e-5)


def test_a_reference_of_another_size_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"24 x 20 pixels, and has to be 224 x 150.*leave it out"):
        denoise(noisy(CLEAN["cat"], 25), tmp_path, reference=Picture(photo(24, 20)))


@pytest.mark.slow
def test_compare_gives_every_method_with_its_time(tmp_path: Path) -> None:
    result = denoise(noisy(CLEAN["cat"], 25), tmp_path, method="compare")
    assert list(result.images) == list(METHODS)
    assert set(result.metrics) == {"sigma", *(f"{method}_seconds" for method in METHODS)}
    assert result.weights == ("camera-noise", "jpeg-artefacts", "dncnn")
    alone = denoise(noisy(CLEAN["cat"], 25), tmp_path, method="nlm").images["image"].pixels
    assert np.array_equal(result.images["nlm"].pixels, alone)


def test_a_comparison_too_large_for_memory_is_refused_in_words() -> None:
    facts = {"image": [Facts(Kind.IMAGE, 10_000, 6_000)]}
    with pytest.raises(InputError, match="50 megapixels at most, and this one has 60"):
        OPERATION.estimate(OPERATION.parse({"method": "compare"}), facts)
    assert OPERATION.estimate(OPERATION.parse({}), facts).seconds < OPERATION.deadline_seconds


@pytest.mark.slow
@pytest.mark.parametrize("clipped", [False, True])
def test_all_methods_are_measured_on_the_same_noise(clipped: bool, tmp_path: Path) -> None:
    write_picture(Picture(CLEAN["astronaut"]), tmp_path / "a.png", "png")
    found = {name: measure(name, 25, tmp_path, "cpu", clipped)["psnr"] or 0 for name in (*METHODS, "noisy")}
    order = sorted(found, key=found.__getitem__, reverse=True)
    assert order[0] == "dncnn"
    assert order[-1] == "noisy"
    assert found["noisy"] == pytest.approx(20.8, abs=0.1)  # clipped at the latest when it is scored


@pytest.mark.slow
@pytest.mark.parametrize("noise", ["jpeg", "camera"])
def test_methods_are_measured_on_noise_whose_level_they_are_not_told(noise: str, tmp_path: Path) -> None:
    write_picture(Picture(CLEAN["cat"]), tmp_path / "a.png", "png")
    found = {
        name: measure_blind(name, noise, 25, 90, tmp_path, "cpu")["psnr"] or 0
        for name in ("noisy", "nlm", "dncnn")
    }
    assert found["noisy"] + 1 < min(found["nlm"], found["dncnn"])
