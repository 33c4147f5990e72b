"""What `gan-sample` promises."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ml.__main__ import main
from ml.core.context import Context, Result
from ml.core.errors import Cancelled, InputError
from ml.core.frames import frames
from ml.gan_sample import WEIGHTS, GanParams, Method
from ml.gan_sample.evaluate import draw as draw_pictures
from ml.gan_sample.evaluate import frechet_distance, nearest, neighbours_of, read_parts
from ml.gan_sample.networks import SHAPES, Adversaries, one_hot
from ml.gan_sample.run import codes, loaded
from ml.gan_sample.train import Eigenpictures, adversarial_loss, augmented
from ml.registry import registry
from tests.ml.mnist import write_mnist
from tests.ml.recorder import Recorder
from tests.ml.running import develop

OPERATION = registry().get("gan-sample")
CPU = torch.device("cpu")


def draw(folder: Path, context: Context | None = None, **params: Any) -> Result:
    return develop("gan-sample", folder, {}, params, context or Context())


def write_faces(folder: Path, count: int = 44) -> Path:
    rng = np.random.default_rng(0)
    for number in range(count):
        Image.fromarray(rng.integers(0, 256, (64, 64), dtype=np.uint8)).save(folder / f"{number:03}.png")
    return folder


@pytest.mark.sampled(1)
@pytest.mark.parametrize("method", WEIGHTS)
def test_the_same_seed_draws_the_same(tmp_path: Path, method: str) -> None:
    sheets = [
        draw(tmp_path, Context(seed=seed), method=method, count=4).images["image"].pixels
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(sheets[0], sheets[1])
    assert not np.array_equal(sheets[0], sheets[2])


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "params",
    [
        {"count": 1},
        {"count": 10},
        {"count": 144},
        {"action": "interpolate", "stations": 3, "steps": 5},
        {"method": "digits", "count": 3},
        {"method": "digits", "count": 64},
        {"method": "digits", "count": 64, "digit": 7},
    ],
    ids=str,
)
def test_a_sheet_is_as_large_as_was_estimated(tmp_path: Path, params: dict[str, Any]) -> None:
    (sheet,) = draw(tmp_path, **params).images.values()
    estimate = OPERATION.estimate(OPERATION.parse(params), {})
    assert (sheet.width, sheet.height) == (estimate.width, estimate.height)


def test_less_truncation_gives_more_variety() -> None:
    generator = loaded("faces", "cpu")
    latents = torch.randn(32, generator.shape.latents, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        variety = [float(generator(latents * truncation).std(0).mean()) for truncation in (0.0, 0.4, 1.0)]
    assert variety[0] == pytest.approx(0, abs=1e-6)
    assert variety[0] < variety[1] < variety[2]


@pytest.mark.slow
def test_every_row_of_a_walk_begins_where_the_one_before_ends(tmp_path: Path) -> None:
    context = Context()
    result = draw(tmp_path, context, action="interpolate", stations=3, steps=8)
    side = 128
    cells = np.stack(
        [
            np.asarray(result.images["image"].to_pillow().crop((left, top, left + side, top + side)))
            for top in range(2, 3 * 130, 130)
            for left in range(2, 8 * 130, 130)
        ]
    ).astype(float)
    steps = np.abs(cells - np.roll(cells, -1, axis=0)).mean((1, 2))
    far = np.abs(cells[::8] - np.roll(cells[::8], -1, axis=0)).mean((1, 2))
    assert steps.max() < far.min()
    assert len(list(frames(result.files["film"].path))) == 24


@pytest.mark.sampled(1)
@pytest.mark.parametrize("digit", [None, 7])
def test_it_draws_the_digit_that_is_asked_for(digit: int | None) -> None:
    """Told apart by the mean pictures of the digits that it draws itself: they would all be one where it did not heed."""
    generator = loaded("digits", "cpu")
    means = draw_pictures(generator, torch.arange(400) % 10, torch.Generator().manual_seed(0))
    means = torch.stack([means[number::10].mean(0) for number in range(10)]).flatten(1)
    params = GanParams(method="digits", digit=digit, count=100)
    with torch.inference_mode():
        drawn = generator(codes(params, torch.Generator().manual_seed(1))).flatten(1)
    asked = torch.arange(100) % 10 if digit is None else torch.tensor(digit)
    assert float((torch.cdist(drawn, means).argmin(1) == asked).float().mean()) > 0.6


def test_a_walk_changes_the_digit_little_by_little() -> None:
    params = GanParams(method="digits", action="interpolate", stations=3, steps=4)
    kinds = codes(params, torch.Generator().manual_seed(0))[:, SHAPES["digits"].latents :]
    assert kinds.sum(1).tolist() == pytest.approx([1] * 12)
    assert kinds[1].tolist() == pytest.approx([0.75, 0.25] + [0] * 8)


def test_it_shows_its_work_and_stops_when_asked(tmp_path: Path) -> None:
    watched = Recorder()
    draw(tmp_path, watched, count=64)
    assert len(watched.previews) == 4
    with pytest.raises(Cancelled):
        draw(tmp_path, Recorder(cancel_at=2), count=64)


# Training and measuring ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("method", SHAPES)
def test_each_player_learns_from_its_own_loss_only(method: Method) -> None:
    torch.manual_seed(0)
    shape = SHAPES[method]
    players = Adversaries(shape).eval()
    classes = one_hot(torch.arange(4), shape)
    real, latents = torch.rand(4, 1, shape.side, shape.side), torch.randn(4, shape.latents)
    latents = torch.cat([latents, classes], dim=1)
    adversarial_loss(players.discriminator, real, players.generator(latents), classes).backward()  # type: ignore[no-untyped-call]
    together = {
        name: weight.grad.clone() for name, weight in players.named_parameters() if weight.grad is not None
    }
    assert len(together) == len(list(players.parameters()))

    players.zero_grad()
    (-players.discriminator(players.generator(latents), classes).mean()).backward()
    for name, weight in players.generator.named_parameters():
        assert torch.allclose(together[f"generator.{name}"], weight.grad, atol=1e-6), name

    players.zero_grad()
    drawn = players.generator(latents).detach()
    hinge = (1 - players.discriminator(real, classes)).relu().mean()
    hinge = hinge + (1 + players.discriminator(drawn, classes)).relu().mean()
    hinge.backward()
    for name, weight in players.discriminator.named_parameters():
        assert torch.allclose(together[f"discriminator.{name}"], weight.grad, atol=1e-6), name


def test_what_the_discriminator_sees_is_changed_and_the_generator_learns_through_it() -> None:
    faces = torch.rand(6, 1, 64, 64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    shown = augmented(faces, torch.Generator().manual_seed(1))
    assert shown.shape == faces.shape
    again = augmented(faces[:1].expand(6, -1, -1, -1), torch.Generator().manual_seed(1))
    assert not torch.allclose(again[0], again[1])
    (gradient,) = torch.autograd.grad(shown.sum(), faces)
    assert (gradient.abs().sum((1, 2, 3)) > 0).all()


@pytest.mark.slow
def test_the_codes_of_real_faces_are_spread_like_the_random_ones() -> None:
    torch.manual_seed(0)
    faces = (0.5 + torch.randn(400, 120) @ torch.randn(120, 64 * 64) / 100).view(-1, 1, 64, 64)
    latents = Eigenpictures(faces, 96).encode(faces)
    assert latents.shape == (400, 96)
    assert torch.allclose(latents.mean(0), torch.zeros(96), atol=1e-2)
    assert torch.allclose(latents.T.cov(), torch.eye(96), atol=2e-2)


def test_the_frechet_distance_is_that_of_normal_distributions() -> None:
    values = torch.randn(300, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert frechet_distance(values, values) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(values + torch.tensor([3.0, 4.0, 0.0]), values) == pytest.approx(25, abs=1e-6)
    variances = torch.diagonal(values.T.cov())
    assert frechet_distance(2 * values - values.mean(0), values) == pytest.approx(
        float(variances.sum()), rel=1e-3
    )


def test_the_nearest_picture_is_found() -> None:
    faces = torch.rand(5, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    distances, neighbours = nearest(faces[:2], faces)
    assert distances.tolist() == pytest.approx([0, 0], abs=1e-3)
    assert neighbours.tolist() == [0, 1]
    distances, _neighbours = nearest(faces[:1] * 0, faces * 0 + 0.2)
    assert distances.tolist() == pytest.approx([0.2], rel=1e-4)


def test_drawn_pictures_stand_above_the_nearest_ones_of_training() -> None:
    learned = torch.linspace(0, 1, 5)[:, None, None, None].expand(5, 1, 64, 64)
    shown = np.asarray(neighbours_of(learned[[1, 3]] + 0.1, learned)).astype(int)
    height, width = shown.shape
    left, right = shown[:, : width // 2], shown[:, width // 2 :]
    assert [int(np.median(part)) for half in (left, right) for part in np.split(half, [height // 2])] == (
        pytest.approx([89, 64, 217, 191], abs=1)
    )


def test_no_face_is_learned_from_chosen_by_and_measured_against(tmp_path: Path) -> None:
    parts = read_parts("faces", write_faces(tmp_path), CPU)
    assert (len(parts.learned), len(parts.choosing), len(parts.measuring)) == (40, 2, 2)
    every = torch.cat([part.values for part in (parts.learned, parts.choosing, parts.measuring)])
    assert len(every.flatten(1).unique(dim=0)) == 44


def test_pictures_that_are_no_such_faces_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least 40"):
        read_parts("faces", write_faces(tmp_path, 3), CPU)
    Image.new("RGB", (64, 64)).save(tmp_path / "colour.png")
    with pytest.raises(InputError, match=r"colour .* not gray"):
        read_parts("faces", tmp_path, CPU)


@pytest.mark.slow
@pytest.mark.parametrize("method", WEIGHTS)
def test_it_is_trained_and_measured_by_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr("ml.gan_sample.train.VALIDATED", 16)
    monkeypatch.setattr("ml.gan_sample.evaluate.MEASURED", 20)
    (tmp_path / "data").mkdir()
    (write_faces if method == "faces" else write_mnist)(tmp_path / "data")
    data = ["--data", str(tmp_path / "data")]
    places = ["--checkpoints", str(tmp_path / "checkpoints"), "--weights", str(tmp_path / "weights")]
    assert main(["train", f"gan-{method}", *data, *places, "--steps", "2"]) == 0
    assert {path.suffix for path in (tmp_path / "weights").iterdir()} == {".json", ".png", ".safetensors"}
    capsys.readouterr()
    assert main(["evaluate", "gan-sample", "--method", method, *data]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["fid_lite0"] > 0
    assert ("as_asked" in found) == (method == "digits")
