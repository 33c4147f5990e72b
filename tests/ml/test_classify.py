"""What `classify` promises."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from torchvision.models import EfficientNet_B0_Weights

from ml.classify import LITE0
from ml.classify.networks import Lite0, SmallCNN, Tail, load_lite0, normalised
from ml.classify.run import heat_map, loaded, overlaid, views
from ml.classify.train import augmented
from ml.classify.wider import wider
from ml.core.context import Context
from ml.core.errors import Cancelled
from ml.core.images import Picture
from tests.ml.recorder import Recorder
from tests.ml.running import develop, odd_pictures


@pytest.fixture
def cat() -> Picture:
    return Picture(skimage.data.chelsea())


@pytest.mark.slow
def test_it_knows_a_cat_and_a_cup_of_coffee(tmp_path: Path, cat: Picture) -> None:
    found = develop("classify", tmp_path, {"image": cat}, {}, Context())
    assert {label.title for label in found.labels[:3]} == {"Egyptian cat", "tiger cat", "tabby"}
    found = develop("classify", tmp_path, {"image": Picture(skimage.data.coffee())}, {}, Context())
    assert found.labels[0].title == "espresso"
    assert found.weights == (LITE0.name,)


@pytest.mark.slow
def test_it_gives_five_labels_with_falling_scores(tmp_path: Path, cat: Picture) -> None:
    scores = [label.score for label in develop("classify", tmp_path, {"image": cat}, {}, Context()).labels]
    assert len(scores) == 5
    assert scores == sorted(scores, reverse=True)
    assert 0 < sum(scores) <= 1.001


@pytest.mark.slow
def test_the_cats_and_dogs_network_calls_a_cat_a_cat(tmp_path: Path, cat: Picture) -> None:
    found = develop("classify", tmp_path, {"image": cat}, {"method": "cats-vs-dogs"}, Context())
    assert [label.title for label in found.labels] == ["Cat", "Dog"]
    assert found.labels[0].score > 0.9


@pytest.mark.sampled(1)
@pytest.mark.parametrize("kind", odd_pictures())
def test_odd_pictures_keep_their_size_and_alpha(tmp_path: Path, kind: str) -> None:
    picture = odd_pictures()[kind]
    result = develop("classify", tmp_path, {"image": picture}, {}, Context()).images["image"]
    assert (result.width, result.height) == (picture.width, picture.height)
    assert (result.alpha is None) == (picture.alpha is None)
    assert result.pixels.dtype == np.uint8


def test_it_stops_between_layers(tmp_path: Path, cat: Picture) -> None:
    with pytest.raises(Cancelled):
        develop("classify", tmp_path, {"image": cat}, {}, Recorder(cancel_at=10))


@pytest.mark.slow
def test_the_heat_is_on_the_object() -> None:
    network = loaded("imagenet", "cpu")
    canvas = np.full((400, 900, 3), 128, np.uint8)
    canvas[50:350, :451] = skimage.data.chelsea()
    with torch.inference_mode():
        heat = heat_map(network, canvas, 285, torch.device("cpu"))
    half = heat.shape[1] // 2
    assert heat.max() == 1
    assert heat[:, :half].mean() > 4 * heat[:, half:].mean()


def test_the_photo_stays_in_colour_where_the_network_looked_and_turns_gray_where_not() -> None:
    photo = Picture(np.broadcast_to(np.array([200, 60, 20], np.uint8), (20, 40, 3)).copy())
    heat = np.array([[0, 0, 0, 0, 1, 1, 1, 1]], np.float32)
    pixels = overlaid(photo, heat, Context()).pixels
    assert np.ptp(pixels[10, 0].astype(int)) == 0
    assert np.ptp(pixels[10, 39].astype(int)) > 100


def test_views_cover_the_longer_side() -> None:
    assert views(100, 100, 0.875) == [(6.25, 6.25, 93.75, 93.75)]
    wide = views(400, 100, 0.875)
    assert wide[0][0] == 0
    assert wide[-1][2] == pytest.approx(400)
    assert all(top >= 0 and bottom <= 100 for _, top, _, bottom in wide)
    assert len(views(20_000, 10, 0.875)) <= 8


def test_folding_the_batch_norms_changes_nothing() -> None:
    """Against the layers as the checkpoint has them, run one after the other."""
    stored = torch.load(LITE0.path(), weights_only=True)
    image = normalised(torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    padded = torch.nn.functional.pad(image, (0, 1, 0, 1))
    expected = torch.nn.functional.batch_norm(
        torch.nn.functional.conv2d(padded, stored["_conv_stem.weight"], stride=2),
        *(stored[f"_bn0.{name}"] for name in ("running_mean", "running_var", "weight", "bias")),
        eps=1e-3,
    )
    torch.testing.assert_close(load_lite0(LITE0.path()).conv_stem(image), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    stored = torch.load(LITE0.path(), weights_only=True)
    torch.save({**stored, "_blocks.16._conv.weight": torch.zeros(1)}, tmp_path / "more.pth")
    with pytest.raises(KeyError, match="does not have"):
        load_lite0(tmp_path / "more.pth")
    del stored["_blocks.3._bn1.weight"]
    torch.save(stored, tmp_path / "less.pth")
    with pytest.raises(KeyError):
        load_lite0(tmp_path / "less.pth")


@pytest.mark.slow
def test_the_tail_does_what_the_whole_network_does() -> None:
    network = Lite0(classes=2).eval()
    tail = Tail(network, 2).eval()
    tail.fc.load_state_dict(network.fc.state_dict())
    image = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(tail(network.before(image, Tail.FIRST)), network(image))


def test_augmentation_is_repeatable_and_differs_from_picture_to_picture() -> None:
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)).repeat(2, 1, 1, 1)
    first = augmented(image, torch.Generator().manual_seed(5))
    assert torch.equal(first, augmented(image, torch.Generator().manual_seed(5)))
    assert not torch.equal(first[0], first[1])
    assert first.min() >= 0
    assert first.max() <= 1


def test_the_small_network_takes_pictures_of_its_size() -> None:
    assert SmallCNN().eval()(torch.zeros(2, 3, SmallCNN.SIZE, SmallCNN.SIZE)).shape == (2, 2)


@pytest.mark.slow
def test_evaluation_counts_what_is_right(tmp_path: Path) -> None:
    import argparse

    from ml.classify.evaluate import main

    Image.fromarray(skimage.data.chelsea()).save(tmp_path / "cat.1.png")
    Image.fromarray(skimage.data.chelsea()).save(tmp_path / "dog.1.png")
    args = argparse.Namespace(method="imagenet", data=tmp_path, device="cpu", card=False)
    assert main(args) == {"accuracy": 0.5, "images": 2}


@pytest.mark.slow
def test_training_from_scratch_keeps_the_curves_of_all_runs(tmp_path: Path) -> None:
    import json

    from ml.classify import train
    from ml.command_line import main

    data, weights = tmp_path / "data", tmp_path / "weights"
    data.mkdir()
    for number in range(24):
        name, color = ("cat", (200, 40, 40)) if number % 2 else ("dog", (40, 40, 200))
        Image.new("RGB", (120, 112), color).save(data / f"{name}.{number}.png")
    for name in ("cats-vs-dogs-scratch-small", "cats-vs-dogs-scratch-plain"):
        options = ["--data", data, "--weights", weights, "--checkpoints", tmp_path, "--device", "cpu"]
        assert main(["train", name, "--steps", "1", *map(str, options)]) == 0

    card = json.loads((weights / "cats-vs-dogs-scratch-small.json").read_text())
    assert card["curves"]["epoch"] == [round(1 / train.EPOCH, 2)]
    assert set(card["curves"]) == {"epoch", train.HELD_BACK, train.LEARNED}
    small, plain = (weights / f"cats-vs-dogs-scratch-{name}.png" for name in ("small", "plain"))
    assert small.read_bytes() == plain.read_bytes()


NAMES = EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"]


def shares_of(**found: float) -> list[float]:
    named = {name.replace("_", " "): share for name, share in found.items()}
    assert named.keys() <= {*NAMES}
    return [named.get(name, 0.0) for name in NAMES]


@pytest.mark.parametrize(
    ("category", "term"),
    [
        ("tabby", "cat"), ("Chihuahua", "dog"), ("Mexican hairless", "dog"), ("lion", "feline"), ("goldfish", "fish"),
        ("sports car", "vehicle"), ("Granny Smith", "fruit"), ("grand piano", "instrument"), ("alp", "mountain"),
        ("garden spider", "spider"), ("king penguin", "bird"), ("African elephant", "animal"), ("cardigan", "clothes"),
    ],
)  # fmt: skip
def test_a_category_is_known_by_wider_terms(category: str, term: str) -> None:
    assert term in wider(shares_of(**{category: 1.0}))


@pytest.mark.parametrize("category", ["timber wolf", "tiger", "space shuttle", "hotdog", "catamaran"])
def test_no_category_is_known_by_a_term_that_is_not_its_own(category: str) -> None:
    assert not {"cat", "dog"} & {*wider(shares_of(**{category: 1.0}))}


def test_many_kinds_that_are_likely_a_little_are_likely_together() -> None:
    a_little = shares_of(tabby=0.04, Egyptian_cat=0.04, Persian_cat=0.04, beagle=0.01, carton=0.8)
    assert {"cat", "pet", "animal"} <= {*wider(a_little)}
    assert "dog" not in wider(a_little)


@pytest.mark.slow
def test_what_is_recognised_brings_its_wider_terms(tmp_path: Path) -> None:
    picture = Picture(skimage.data.chelsea())
    first, *others = develop("classify", tmp_path, {"image": picture}, {}, Context()).labels
    assert {"cat", "animal"} <= {*first.also}
    assert not any(label.also for label in others)
