"""What `style-transfer` promises."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import skimage.data
import torch
from torchvision.models import vgg19

import ml.style_transfer.run
from ml.core.context import Context, Inputs
from ml.core.errors import Cancelled, InputError, WeightsUnavailable
from ml.core.execution import estimate
from ml.core.frames import frames
from ml.core.images import Picture, to_float, write_picture
from ml.core.reading import read_picture
from ml.core.weights import sha256
from ml.registry import registry
from ml.style_transfer import ARBITRARY_TRANSFORM, FOLDER, MULTISTYLE, PAINTINGS, STYLES, VGG19
from ml.style_transfer.feedforward import paint, style_vector
from ml.style_transfer.gatys import Spectrum, gram
from ml.style_transfer.networks import ArbitraryStyle, MultiStyle
from tests.ml.recorder import Recorder
from tests.ml.running import develop, odd_pictures

GATYS = {"method": "gatys", "size": 96, "steps": 10}


@pytest.fixture
def photo() -> Picture:
    return Picture(skimage.data.chelsea()[::3, ::3])


@pytest.mark.slow
def test_every_style_paints_another_picture(photo: Picture) -> None:
    network = MultiStyle(MULTISTYLE.path()).eval()
    found = []
    for style in range(len(STYLES)):
        network.choose(style)
        found.append(paint(network, photo.rgb(), Context(), torch.device("cpu"), ""))
    assert all(picture.shape == photo.pixels.shape for picture in found)
    assert len({picture.tobytes() for picture in found}) == len(STYLES)


@pytest.mark.slow
def test_the_fast_network_does_what_its_onnx_graph_does() -> None:
    network = MultiStyle(MULTISTYLE.path()).eval()
    network.choose(19)
    image = np.random.default_rng(0).random((1, 3, 64, 96), dtype=np.float32)
    chosen = np.eye(26, dtype=np.float32)[19]
    session = onnxruntime.InferenceSession(MULTISTYLE.path(), providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"image": image, "style_weights": chosen})
    with torch.inference_mode():
        np.testing.assert_allclose(network(torch.from_numpy(image)).numpy(), expected, atol=1e-4)


@pytest.mark.slow
def test_the_arbitrary_network_in_floats_is_near_its_8_bit_graph() -> None:
    network = ArbitraryStyle(ARBITRARY_TRANSFORM.path()).eval()
    style = style_vector(
        ml.style_transfer.run.style_network(), read_picture(FOLDER / "paintings" / "wave.webp").rgb()
    )
    network.choose(style)
    content = to_float(skimage.data.astronaut()[:384, :384])
    session = onnxruntime.InferenceSession(ARBITRARY_TRANSFORM.path(), providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    values = {names[0]: content[None], names[1]: style.numpy().reshape(1, 1, 1, 100)}
    (expected,) = session.run(None, values)
    with torch.inference_mode():
        found = network(torch.from_numpy(content).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
    assert np.abs(found - expected[0]).mean() < 0.06
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.9


@pytest.mark.slow
def test_tiles_have_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Painted in tiles, each with the whole picture's statistics, and in one piece."""
    network = MultiStyle(MULTISTYLE.path()).eval()
    network.choose(8)
    rgb = skimage.data.astronaut()[:400, :480]
    whole = paint(network, rgb, Context(), torch.device("cpu"), "").astype(int)
    monkeypatch.setattr("ml.style_transfer.feedforward.TILE_SIDE", 200)
    monkeypatch.setattr("ml.style_transfer.feedforward.WHOLE_SIDE", 479)
    tiles = paint(network, rgb, Context(), torch.device("cpu"), "").astype(int)
    assert np.abs(tiles - whole).mean() < 4
    jumps = np.abs(np.diff(tiles - whole, axis=1)).mean(axis=(0, 2))
    assert jumps.max() < 4 * np.median(jumps) + 1


@pytest.mark.sampled(3)
@pytest.mark.parametrize("method", ["fast", "arbitrary"])
@pytest.mark.parametrize("kind", odd_pictures())
def test_odd_pictures_keep_their_size_and_alpha(tmp_path: Path, kind: str, method: str) -> None:
    picture = odd_pictures()[kind]
    result = develop("style-transfer", tmp_path, {"image": picture}, {"method": method}, Context()).images[
        "image"
    ]
    assert (result.width, result.height) == (picture.width, picture.height)
    assert (result.alpha is None) == (picture.alpha is None)
    assert result.pixels.dtype == np.uint8


def test_strength_0_leaves_the_photo_as_it_is(tmp_path: Path, photo: Picture) -> None:
    result = develop("style-transfer", tmp_path, {"image": photo}, {"strength": 0}, Context())
    assert np.array_equal(result.images["image"].pixels, photo.pixels)


def test_kept_colours_are_the_photos(tmp_path: Path, photo: Picture) -> None:
    params = {"look": "lacquer"}
    painted, kept = (
        develop(
            "style-transfer", tmp_path, {"image": photo}, params | {"keep_colors": keep}, Context()
        ).images["image"]
        for keep in (False, True)
    )

    def hue(picture: Picture) -> np.ndarray:
        color = to_float(picture.pixels).mean(axis=(0, 1))
        return color - color.mean()

    assert np.linalg.norm(hue(kept) - hue(photo)) < 0.3 * np.linalg.norm(hue(painted) - hue(photo))


@pytest.mark.slow
def test_gatys_lowers_its_losses_and_shows_them(
    tmp_path: Path, photo: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.style_transfer.gatys.PREVIEW_SECONDS", 0)
    context = Recorder()
    result = develop("style-transfer", tmp_path, {"image": photo}, GATYS | {"steps": 24}, context)
    assert set(context.curves) == {"content", "style", "palette", "total_variation"}
    style = [y for _, y in context.curves["style"]]
    assert style[-1] < 0.5 * style[0]
    assert len(context.previews) >= 5
    assert (result.images["image"].width, result.images["image"].height) == (96, 64)
    film = list(frames(result.files["evolution"].path))
    assert 5 <= len(film) <= 25
    last = to_float(film[-1].picture.pixels)
    assert np.abs(last - to_float(result.images["image"].pixels)).mean() < 0.05


@pytest.mark.slow
def test_gatys_shows_the_colours_that_it_keeps_and_films_both_ways(
    tmp_path: Path, photo: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.style_transfer.gatys.PREVIEW_SECONDS", 0)
    context = Recorder()
    gray = Picture(np.repeat(photo.pixels.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2))
    params = GATYS | {"keep_colors": True, "swap": True}
    result = develop("style-transfer", tmp_path, {"image": gray}, params, context)
    assert list(result.files) == ["evolution", "evolution-swapped"]
    assert np.ptp(context.previews[0].pixels.astype(int), axis=2).max() <= 2


@pytest.mark.slow
def test_gatys_is_repeatable(tmp_path: Path, photo: Picture) -> None:
    first, again = (
        develop("style-transfer", tmp_path, {"image": photo}, GATYS, Context()).images["image"].pixels
        for _ in range(2)
    )
    assert np.array_equal(first, again)


@pytest.mark.slow
def test_swap_paints_the_style_picture_as_well(tmp_path: Path, photo: Picture) -> None:
    style = Picture(skimage.data.coffee()[::4, ::4])
    params = {"method": "arbitrary", "swap": True}
    result = develop("style-transfer", tmp_path, {"image": photo, "style": style}, params, Context())
    assert list(result.images) == ["image", "swapped"]
    assert result.images["swapped"].pixels.shape == style.pixels.shape


@pytest.mark.sampled(1)
@pytest.mark.parametrize("params", [{"method": "fast"}, GATYS, {"method": "arbitrary"}])
def test_it_stops_when_asked(tmp_path: Path, photo: Picture, params: dict[str, object]) -> None:
    with pytest.raises(Cancelled):
        develop("style-transfer", tmp_path, {"image": photo}, params, Recorder(cancel_at=10))


@pytest.mark.parametrize(
    ("params", "size", "words"),
    [
        ({"method": "arbitrary"}, (1, 1), "at least 64 pixels"),
        ({"method": "gatys"}, (3000, 70), "too narrow"),
    ],
)
def test_a_style_picture_that_cannot_be_used_is_refused_in_words(
    tmp_path: Path, photo: Picture, params: dict[str, object], size: tuple[int, int], words: str
) -> None:
    style = Picture(np.zeros((size[1], size[0], 3), np.uint8))
    with pytest.raises(InputError, match=words):
        develop("style-transfer", tmp_path, {"image": photo, "style": style}, params, Context())


def test_by_default_a_style_picture_is_used(tmp_path: Path, photo: Picture) -> None:
    style = Picture(skimage.data.coffee()[::4, ::4])
    result = develop("style-transfer", tmp_path, {"image": photo, "style": style}, {}, Context())
    assert result.weights == ("arbitrary-style-predict", "arbitrary-style-transform")


def test_gatys_refuses_a_panorama_before_it_is_queued(tmp_path: Path) -> None:
    write_picture(Picture(np.zeros((500, 20_000, 3), np.uint8)), tmp_path / "wide.png", "png")
    operation = registry().get("style-transfer")
    with pytest.raises(InputError, match="too narrow for Gatys"):
        estimate(operation, operation.parse({"method": "gatys"}), Inputs({"image": [tmp_path / "wide.png"]}))


def test_without_vgg19_the_error_names_the_command(
    tmp_path: Path, photo: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_WEIGHTS", str(tmp_path / "cache"))
    with pytest.raises(WeightsUnavailable, match="python -m ml weights --fetch vgg19"):
        develop("style-transfer", tmp_path, {"image": photo}, GATYS | {"features": "vgg19"}, Context())


@pytest.mark.slow
def test_vgg19_is_used_once_it_is_in_the_cache(
    tmp_path: Path, photo: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    with torch.device("meta"):
        layers = vgg19().features.state_dict()
    stored = {f"features.{name}": 0.05 * torch.randn(tensor.shape) for name, tensor in layers.items()}
    torch.save(stored, tmp_path / "vgg19")
    monkeypatch.setenv("LATENT_WEIGHTS", str(tmp_path))
    card = dataclasses.replace(VGG19, sha256=sha256(tmp_path / "vgg19"))
    monkeypatch.setattr(ml.style_transfer.run, "VGG19", card)
    result = develop("style-transfer", tmp_path, {"image": photo}, GATYS | {"features": "vgg19"}, Context())
    assert result.weights == ("vgg19",)


def test_every_painting_is_there() -> None:
    assert {path.stem for path in (FOLDER / "paintings").glob("*.webp")} == set(PAINTINGS)


def test_a_spectrum_gives_back_the_picture_it_was_made_of() -> None:
    image = torch.rand(1, 3, 33, 50, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(Spectrum(image)(), image, atol=1e-4, rtol=1e-4)


def test_a_gram_matrix_does_not_know_where_things_are() -> None:
    features = torch.rand(1, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(gram(features), gram(features.flip(2, 3)))


@pytest.mark.slow
def test_the_engine_tells_its_maker_nothing(tmp_path):
    """Where onnxruntime collects what it would tell, it leaves a folder in the home of whoever runs it."""
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", "import ml, onnxruntime"], env=environment, check=True)
    assert not list(tmp_path.iterdir())
