"""What `deep-dream` promises."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch

from ml.core.context import Context
from ml.core.errors import Cancelled
from ml.core.frames import frames
from ml.core.images import Picture, to_float
from ml.core.resize import resize
from ml.deep_dream import DeepDreamParams, dream_size
from ml.deep_dream.run import LAYERS, color_matrix, layer_weights, smoothed
from tests.ml.recorder import Recorder
from tests.ml.running import develop, odd_pictures

QUICK = {"size": 128, "octaves": 2, "strength": 0.0}


@pytest.fixture
def photo() -> Picture:
    return Picture(skimage.data.chelsea()[::2, ::2])


@pytest.mark.slow
def test_the_layers_answer_more_and_more(tmp_path: Path, photo: Picture) -> None:
    context = Recorder()
    develop("deep-dream", tmp_path, {"image": photo}, QUICK | {"strength": 0.4}, context)
    (curve,) = context.curves.values()
    first_octave = [y for _, y in curve][: len(curve) // 2]
    assert first_octave[-1] > 1.3 * first_octave[0]
    assert len(context.previews) == 2
    assert context.fractions == sorted(context.fractions)


@pytest.mark.slow
def test_its_film_ends_with_the_dream(tmp_path: Path, photo: Picture) -> None:
    context = Context()
    result = develop("deep-dream", tmp_path, {"image": photo}, QUICK, context)
    film = [frame.picture for frame in frames(result.files["evolution"].path)]
    assert len(film) == 2 * 6 + 1
    dream = result.images["image"]
    assert abs(film[0].width / film[0].height - dream.width / dream.height) < 0.05
    distances = [
        np.abs(to_float(resize(dream, state.width, state.height).pixels) - to_float(state.pixels)).mean()
        for state in (film[0], film[-1])
    ]
    assert distances[1] < 0.03 < distances[0]


@pytest.mark.slow
def test_the_same_seed_dreams_the_same_and_another_does_not(tmp_path: Path, photo: Picture) -> None:
    first, again, other = (
        develop("deep-dream", tmp_path, {"image": photo}, QUICK, Context(seed=seed)).images["image"].pixels
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.slow
@pytest.mark.parametrize("kind", odd_pictures())
def test_odd_pictures_keep_size_depth_and_alpha(tmp_path: Path, kind: str) -> None:
    picture = odd_pictures()[kind]
    params = QUICK | {"octaves": 1}
    result = develop("deep-dream", tmp_path, {"image": picture}, params, Context()).images["image"]
    assert (result.width, result.height) == (picture.width, picture.height)
    assert result.pixels.dtype == picture.pixels.dtype
    assert (result.alpha is None) == (picture.alpha is None)
    if picture.alpha is not None:
        assert np.array_equal(result.alpha, picture.alpha)


@pytest.mark.slow
def test_a_large_photo_keeps_its_own_detail(tmp_path: Path) -> None:
    photo = Picture(skimage.data.chelsea())
    result = develop("deep-dream", tmp_path, {"image": photo}, QUICK, Context()).images["image"]
    difference = to_float(result.pixels) - to_float(photo.pixels)
    inside = difference[(result.pixels > 0).all(axis=2) & (result.pixels < 255).all(axis=2)]
    assert np.abs(inside).mean() > 0.02
    fine = np.diff(difference, axis=1)
    assert np.abs(fine).mean() < np.abs(difference).mean()


@pytest.mark.slow
def test_it_stops_within_a_step(tmp_path: Path, photo: Picture) -> None:
    with pytest.raises(Cancelled):
        develop("deep-dream", tmp_path, {"image": photo}, QUICK, Recorder(cancel_at=60))


@pytest.mark.slow
def test_a_guide_changes_the_dream(tmp_path: Path, photo: Picture) -> None:
    alone = develop("deep-dream", tmp_path, {"image": photo}, QUICK, Context()).images["image"].pixels
    guide = Picture(skimage.data.coffee()[::2, ::2])
    guided = develop("deep-dream", tmp_path, {"image": photo, "guide": guide}, QUICK, Context()).images[
        "image"
    ]
    assert not np.array_equal(alone, guided.pixels)


def test_two_patterns_share_the_weight() -> None:
    mixed = layer_weights(DeepDreamParams(pattern="waves", second="animals", share=0.25))
    assert mixed == {LAYERS["waves"]: 0.75, LAYERS["animals"]: 0.25}
    assert layer_weights(DeepDreamParams(pattern="eyes")) == {LAYERS["eyes"]: 1}


def test_less_colour_turns_a_coloured_gradient_gray() -> None:
    gradient = torch.tensor([1.0, -1.0, 0.0])
    chroma = [(color_matrix(amount) @ gradient).norm() for amount in (0, 0.5, 1)]
    assert chroma[0] < chroma[1] < chroma[2]
    torch.testing.assert_close(color_matrix(1) @ gradient, gradient)


def test_a_gradient_is_of_one_size_whatever_its_unit() -> None:
    gradient = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(smoothed(gradient), smoothed(gradient * 1e-4), rtol=1e-3, atol=1e-3)


def test_a_panorama_is_dreamed_in_bounded_size() -> None:
    width, height = dream_size(20_000, 500, 768)
    assert width * height <= 1.01 * 768**2
    assert dream_size(100, 80, 768) == (100, 80)
