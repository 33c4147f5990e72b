"""Real-ESRGAN: the real networks over tiles."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from skimage import data

from ml.core.context import Context, Inputs
from ml.core.device import infer, torch_device
from ml.core.errors import WeightsUnavailable
from ml.core.execution import execute, recipe
from ml.core.images import Picture, to_float, write_picture
from ml.core.weights import Package
from ml.registry import registry
from ml.super_resolution import REAL_ESRGAN_COMPACT, TILES
from ml.super_resolution.params import Single
from ml.super_resolution.real_esrgan import RRDBNet
from ml.super_resolution.run import enlarge, enlarger
from tests.ml.samples import alpha, ints, photo

OPERATION = registry().get("super-resolution")
CAT = data.chelsea()[120:184, 20:228]
COMPACT_FILE = REAL_ESRGAN_COMPACT.path()


def test_damaged_weights_are_refused_in_words(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.bin"
    damaged.write_bytes(COMPACT_FILE.read_bytes()[:-1] + b"!")

    class Damaged(type(REAL_ESRGAN_COMPACT)):  # type: ignore[misc]
        def locate(self) -> Path:
            return damaged

    weights = Damaged(**vars(REAL_ESRGAN_COMPACT))
    assert isinstance(weights.source, Package)
    with pytest.raises(WeightsUnavailable, match="damaged"):
        weights.path()


def test_strips_of_the_large_network_equal_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network = RRDBNet(blocks=1, width=8, growth=4).eval()
    image = torch.rand(1, 3, 41, 30)
    with torch.inference_mode():
        whole = network(image)
        monkeypatch.setattr("ml.super_resolution.real_esrgan.ROWS", 8)
        strips = network(image)
    assert whole.shape == (1, 3, 164, 120)
    assert torch.allclose(whole, strips, atol=1e-5)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_compact_network_shows_the_same_picture_at_every_scale(scale: int) -> None:
    picture = Picture(CAT[:64, :96])
    enlarged = enlarge(picture, "real-esrgan-compact", scale, Context())
    assert (enlarged.width, enlarged.height) == (96 * scale, 64 * scale)
    back = cv2.resize(enlarged.pixels, (96, 64), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(back - picture.pixels).mean() < 6
    assert np.abs((back - picture.pixels).mean(axis=(0, 1))).max() < 3, "a colour shift"


@pytest.mark.parametrize(
    "method", ["real-esrgan-compact", pytest.param("real-esrgan", marks=pytest.mark.slow)]
)
def test_gray_alpha_and_depth_stay(method: Single) -> None:
    color = photo(24, 20).mean(axis=2, keepdims=True)
    pixels = np.concatenate([color * 257, alpha() * 65535], axis=2).astype(np.uint16)
    enlarged = enlarge(Picture(pixels), method, 2, Context())
    assert enlarged.pixels.shape == (40, 48, 2)
    assert enlarged.pixels.dtype == np.uint16
    back = cv2.resize(enlarged.pixels, (24, 20), interpolation=cv2.INTER_AREA).astype(int) - pixels
    assert np.abs(back[:, :, 1]).mean() < 300
    assert np.abs(back[:, 10:, 0]).mean() < 16 * 257


def test_the_result_names_its_weights(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    write_picture(Picture(ints(np.zeros((8, 8, 3)))), path, "png")
    inputs, context = Inputs({"image": [path]}), Context(seed=5)
    params = OPERATION.parse({"method": "real-esrgan-compact"})
    how = recipe(OPERATION, params, inputs, execute(OPERATION, params, inputs, context), context)
    assert how["weights"] == {REAL_ESRGAN_COMPACT.name: REAL_ESRGAN_COMPACT.sha256}
    assert (how["engine"], how["seed"], how["params"]["scale"]) == ("torch", 5, 2)
    params = OPERATION.parse({"method": "bicubic"})
    assert (
        recipe(OPERATION, params, inputs, execute(OPERATION, params, inputs, context), context)["weights"]
        == {}
    )


def untiled(method: Single, picture: Picture, scale: int) -> np.ndarray:
    _, apply = enlarger(method, scale, "cpu")
    values = infer(apply, to_float(picture.pixels), torch_device("cpu"))
    return np.rint(np.clip(values, 0, 1) * 255)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("method", "scale"),
    [("real-esrgan-compact", 2), ("real-esrgan-compact", 3), ("real-esrgan-compact", 4), ("real-esrgan", 4)],
)
def test_tiles_of_the_real_networks_equal_the_whole(
    method: Single, scale: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.super_resolution.run.TILES", {method: replace(TILES[method], side=104)})
    monkeypatch.setattr(
        "ml.super_resolution.run.DRIFTING", ()
    )  # areas get their colour back when all tiles are one
    picture = Picture(CAT)
    difference = enlarge(picture, method, scale, Context()).pixels - untiled(method, picture, scale)
    assert np.abs(difference).max() <= 1
