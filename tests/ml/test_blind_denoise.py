"""The networks that are told nothing: what cameras and JPEG do to a photo is undone, and a clean one is left alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skimage import data

from ml.core.context import Context, Result
from ml.core.errors import Cancelled, ParamsError
from ml.core.images import Picture
from ml.core.metrics import psnr
from ml.denoise.degradations import Degrade, artefacts, camera, correlated_noise, encoded, linear
from ml.denoise.evaluate import measure_blind
from ml.denoise.messages import NO_NOISE
from ml.denoise.noise import NONE_BELOW, estimate_sigma
from ml.denoise.protocols import camera as camera_protocol
from ml.denoise.protocols import jpeg
from ml.denoise.run import by_network, loaded, told
from ml.registry import registry
from tests.ml.recorder import Recorder
from tests.ml.running import develop
from tests.ml.samples import alpha, photo

pytestmark = pytest.mark.slow

CLEAN = np.ascontiguousarray(data.astronaut()[20:212, 130:322])
BLIND = ("camera", "jpeg")
DAMAGED = {"camera": camera_protocol(CLEAN, 25), "jpeg": jpeg(CLEAN, 20)}


def restored(pixels: np.ndarray, folder: Path, method: str, **params: Any) -> np.ndarray:
    return result_of(pixels, folder, method, **params).images["image"].pixels


def result_of(
    pixels: np.ndarray, folder: Path, method: str, context: Context | None = None, **params: Any
) -> Result:
    return develop(
        "denoise", folder, {"image": Picture(pixels)}, {"method": method, **params}, context or Context()
    )


def quality(pixels: np.ndarray, clean: np.ndarray = CLEAN) -> float:
    found = psnr(pixels, clean)
    assert found is not None
    return found


def test_the_noise_of_a_camera_is_removed_better_than_by_what_knows_white_noise(tmp_path: Path) -> None:
    found = {
        method: quality(restored(DAMAGED["camera"], tmp_path, method))
        for method in ("camera", "dncnn", "nlm")
    }
    assert found["camera"] > found["dncnn"] + 1.5, found
    assert found["camera"] > found["nlm"] + 2, found


@pytest.mark.parametrize(("strength", "gain"), [(10, 0.8), (20, 0.8), (40, 0.6), (70, 0.3)])
def test_what_jpeg_left_is_removed(strength: int, gain: float, tmp_path: Path) -> None:
    compressed = jpeg(CLEAN, strength)
    assert quality(restored(compressed, tmp_path, "jpeg")) > quality(compressed) + gain


def test_blocks_are_found_wherever_a_picture_was_cut(tmp_path: Path) -> None:
    compressed = np.ascontiguousarray(DAMAGED["jpeg"][3:, 5:])
    clean = np.ascontiguousarray(CLEAN[3:, 5:])
    assert quality(restored(compressed, tmp_path, "jpeg"), clean) > quality(compressed, clean) + 0.4


@pytest.mark.parametrize("method", BLIND)
@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee"])
def test_a_clean_photo_is_left_nearly_alone(method: str, name: str) -> None:
    clean = np.ascontiguousarray(getattr(data, name)()[60:188, 130:258])
    found = by_network(told(loaded("cpu", method), method, 0), torch.device("cpu"), clean)
    assert np.abs(found.astype(float) - clean).mean() < 1


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee"])
def test_a_photo_without_noise_is_said_to_have_none(name: str, tmp_path: Path) -> None:
    clean = np.ascontiguousarray(getattr(data, name)()[:256, 100:356])
    for strength in (0.5, 1):
        result = result_of(clean, tmp_path, "camera", strength=strength)
        assert [label.title for label in result.labels] == [NO_NOISE]
        assert np.array_equal(result.images["image"].pixels, clean)


def test_weak_noise_that_jpeg_hides_from_the_estimate_is_found(tmp_path: Path) -> None:
    clean = np.ascontiguousarray(data.chelsea()[:256, 100:356])
    noisy = jpeg(camera_protocol(clean, 10), 75)
    assert estimate_sigma(Picture(noisy)) < NONE_BELOW
    result = result_of(noisy, tmp_path, "camera")
    assert result.labels == []
    assert quality(result.images["image"].pixels, clean) > quality(noisy, clean) + 0.3


def test_nothing_is_said_where_nothing_was_to_be_done(tmp_path: Path) -> None:
    assert result_of(DAMAGED["camera"], tmp_path, "camera", strength=0).labels == []


def test_jpeg_is_undone_where_no_noise_is_found(tmp_path: Path) -> None:
    result = result_of(DAMAGED["jpeg"], tmp_path, "jpeg")
    assert result.labels == []
    assert "sigma" not in result.metrics
    assert not np.array_equal(result.images["image"].pixels, DAMAGED["jpeg"])


@pytest.mark.sampled(3)
@pytest.mark.parametrize("method", BLIND)
@pytest.mark.parametrize("strength", [0.5, 1])
@pytest.mark.parametrize("color", [(224, 172, 140), (128, 128, 128), (200, 30, 30), (60, 70, 50)], ids=str)
def test_a_flat_area_keeps_its_mean_at_any_strength(
    color: tuple[int, int, int], strength: float, method: str, tmp_path: Path
) -> None:
    """Clipped noise has another mean than what it was put on, and there the network knows better."""
    flat = np.full((64, 64, 3), color, np.uint8)
    noisy = [camera_protocol(flat, 10)] if min(color) >= 50 else []
    for pixels in (flat, jpeg(flat, 10), *noisy):
        found = restored(pixels, tmp_path, method, strength=strength)
        assert np.abs(found.mean(axis=(0, 1)) - pixels.mean(axis=(0, 1))).max() <= 1


@pytest.mark.parametrize("method", [*BLIND, "dncnn", "median"])
def test_strength_blends(method: str, tmp_path: Path) -> None:
    noisy = DAMAGED["camera"][:96, :96]
    none, half, whole = (
        restored(noisy, tmp_path, method, strength=strength).astype(float) for strength in (0, 0.5, 1)
    )
    assert np.array_equal(none, noisy)
    assert np.abs(half - (none + whole) / 2).max() <= 0.5
    assert not np.array_equal(whole, noisy)


@pytest.mark.parametrize("method", BLIND)
def test_gray_alpha_and_depth_are_kept(method: str, tmp_path: Path) -> None:
    color = photo(24, 20).mean(axis=2, keepdims=True)
    pixels = np.concatenate([color * 257, alpha() * 65535], axis=2).astype(np.uint16)
    found = restored(pixels, tmp_path, method)
    assert found.shape == pixels.shape
    assert found.dtype == np.uint16
    assert np.array_equal(found[:, :, 1], pixels[:, :, 1])
    assert len(np.unique(found[:, :, 0] % 257)) > 100, "rounded to 8 bits"


def test_the_noise_of_a_gray_photo_is_removed(tmp_path: Path) -> None:
    clean = np.asarray(Picture(CLEAN).to_pillow().convert("L"))
    noisy = camera_protocol(clean, 25)[:, :, None]
    assert (
        quality(restored(noisy, tmp_path, "camera"), clean[:, :, None])
        > quality(noisy, clean[:, :, None]) + 2
    )


@pytest.mark.parametrize("method", BLIND)
def test_the_tiles_of_blind_networks_equal_the_whole(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = restored(DAMAGED[method], tmp_path, method)
    monkeypatch.setattr("ml.denoise.run.SIDE", 60)
    parts = restored(DAMAGED[method], tmp_path, method)
    assert np.abs(parts.astype(int) - whole).max() <= 1


@pytest.mark.parametrize("method", BLIND)
def test_blind_networks_are_watched_and_stopped_between_their_layers(method: str, tmp_path: Path) -> None:
    heard = Recorder()
    result_of(DAMAGED[method], tmp_path, method, heard)
    assert heard.fractions == sorted(heard.fractions)
    assert len(set(heard.fractions)) > 20
    with pytest.raises(Cancelled):
        result_of(DAMAGED[method], tmp_path, method, Recorder(cancel_at=10))


def test_strength_has_bounds() -> None:
    for strength in (-0.1, 1.1):
        with pytest.raises(ParamsError, match="strength"):
            registry().get("denoise").parse({"strength": strength})


@pytest.mark.parametrize("degrade", [camera, artefacts])
def test_what_is_learned_from_is_drawn_again_by_its_seed(degrade: Degrade) -> None:
    clean = torch.from_numpy(np.stack([CLEAN[:48, :48]] * 4)).permute(0, 3, 1, 2) / 255

    def drawn(seed: int) -> torch.Tensor:
        return degrade(clean, torch.Generator().manual_seed(seed))

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))
    assert drawn(1).shape == clean.shape
    assert 0 <= drawn(1).min() <= drawn(1).max() <= 1


def test_the_noise_that_is_learned_from_is_correlated_and_strongest_in_chroma() -> None:
    noise = correlated_noise(torch.Size((64, 3, 48, 48)), torch.Generator().manual_seed(0))
    luma = noise.mean(1, keepdim=True)
    assert luma.std() == pytest.approx(1, abs=0.01)
    assert (noise - luma).std() > luma.std()
    neighbours = (luma[..., 1:] * luma[..., :-1]).mean() / luma.square().mean()
    assert neighbours > 0.1


def test_light_becomes_srgb_and_back() -> None:
    values = torch.linspace(0, 1, 256)
    assert torch.allclose(encoded(linear(values)), values, atol=1e-5)


@pytest.mark.slow
def test_the_protocols_measure_what_the_networks_are_for(tmp_path: Path) -> None:
    Picture(CLEAN).to_pillow().save(tmp_path / "a.png")
    for method in BLIND:
        noisy, found = (
            measure_blind(each, method, 25 if method == "camera" else 0, 20, tmp_path, "cpu")["psnr"] or 0
            for each in ("noisy", method)
        )
        assert found > noisy + 0.8, method
