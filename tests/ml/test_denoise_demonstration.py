"""The article's demonstration: white pixels, and what three methods make of them."""

from pathlib import Path
from typing import Any

import cv2
import pytest
from skimage import data

from ml.core.context import Context, Result
from ml.core.errors import Cancelled
from ml.core.images import Picture
from ml.denoise_demonstration import SINGLES
from tests.ml.recorder import Recorder
from tests.ml.running import develop

CAT = Picture(cv2.resize(data.chelsea(), (224, 150), interpolation=cv2.INTER_AREA))


def demonstrate(folder: Path, context: Context | None = None, **params: Any) -> Result:
    return develop("denoise-demonstration", folder, {"image": CAT}, params, context or Context(seed=1))


@pytest.mark.slow
def test_the_three_methods_stand_beside_the_noisy_picture_the_best_first(tmp_path: Path) -> None:
    result = demonstrate(tmp_path, pixels=500)
    assert set(result.images) == {*SINGLES, "noisy"}
    noisy = result.images["noisy"].pixels
    hit = (noisy != CAT.pixels).any(axis=2)
    assert 450 < hit.sum() <= 500
    assert (noisy[hit] == 255).all()

    ratios = [result.metrics[f"{name}_psnr"] for name in result.images]
    best, *_others, before = ratios
    assert ratios[:3] == sorted(ratios[:3], reverse=True)
    assert best is not None
    assert before is not None
    assert next(iter(result.images)) == "median"
    assert best > before + 5


def test_one_method_can_be_looked_at_alone(tmp_path: Path) -> None:
    result = demonstrate(tmp_path, method="median")
    assert list(result.images) == ["median", "noisy"]
    assert result.weights == ()


def test_the_same_seed_hits_the_same_pixels(tmp_path: Path) -> None:
    first, again, other = (
        demonstrate(tmp_path, Context(seed=seed), method="median").images["noisy"].pixels
        for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.slow
def test_it_is_live_and_can_be_stopped(tmp_path: Path) -> None:
    heard = Recorder()
    demonstrate(tmp_path, heard)
    assert heard.fractions == sorted(heard.fractions)
    with pytest.raises(Cancelled):
        demonstrate(tmp_path, Recorder(cancel_at=heard.asked // 2))
