"""What `gan-sample` promises."""

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
from ml.gan.evaluate import draw_faces, frechet_distance, nearest, read_faces
from ml.gan.networks import LATENTS, Adversaries
from ml.gan.run import loaded
from ml.gan.train import Eigenfaces, adversarial_loss
from ml.registry import registry
from tests.ml.recorder import Recorder
from tests.ml.rooms import develop

OPERATION = registry().get("gan-sample")
CPU = torch.device("cpu")


def draw(folder: Path, context: Context | None = None, **params: Any) -> Result:
    return develop("gan-sample", folder, {}, params, context or Context())


def write_faces(folder: Path, count: int = 24) -> Path:
    rng = np.random.default_rng(0)
    for number in range(count):
        Image.fromarray(rng.integers(0, 256, (64, 64), dtype=np.uint8)).save(folder / f"{number:03}.png")
    return folder


def test_the_same_seed_draws_the_same_faces(tmp_path: Path) -> None:
    sheets = [draw(tmp_path, Context(seed=seed), count=4).images["faces"].pixels for seed in (1, 1, 2)]
    assert np.array_equal(sheets[0], sheets[1])
    assert not np.array_equal(sheets[0], sheets[2])


@pytest.mark.parametrize(
    "params",
    [{"count": 1}, {"count": 10}, {"count": 144}, {"action": "interpolate", "stations": 3, "steps": 5}],
    ids=str,
)
def test_a_sheet_is_as_large_as_was_estimated(tmp_path: Path, params: dict[str, Any]) -> None:
    sheet = draw(tmp_path, **params).images["faces"]
    estimate = OPERATION.estimate(OPERATION.parse(params), {})
    assert (sheet.width, sheet.height) == (estimate.width, estimate.height)


def test_less_truncation_gives_more_variety() -> None:
    generator = loaded("cpu")
    latents = torch.randn(32, LATENTS, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        variety = [float(generator(latents * truncation).std(0).mean()) for truncation in (0.0, 0.4, 1.0)]
    assert variety[0] == pytest.approx(0, abs=1e-6)
    assert variety[0] < variety[1] < variety[2]


def test_every_row_of_a_walk_begins_where_the_one_before_ends(tmp_path: Path) -> None:
    context = Context()
    result = draw(tmp_path, context, action="interpolate", stations=3, steps=8)
    side = 128
    cells = np.stack(
        [
            np.asarray(result.images["faces"].to_pillow().crop((left, top, left + side, top + side)))
            for top in range(2, 3 * 130, 130)
            for left in range(2, 8 * 130, 130)
        ]
    ).astype(float)
    steps = np.abs(cells - np.roll(cells, -1, axis=0)).mean((1, 2))
    far = np.abs(cells[::8] - np.roll(cells[::8], -1, axis=0)).mean((1, 2))
    assert steps.max() < far.min()
    assert len(list(frames(result.files["film"].path))) == 24


def test_it_shows_its_work_and_stops_when_asked(tmp_path: Path) -> None:
    watched = Recorder()
    draw(tmp_path, watched, count=64)
    assert len(watched.previews) == 4
    with pytest.raises(Cancelled):
        draw(tmp_path, Recorder(cancel_at=2), count=64)


# Training and measuring ----------------------------------------------------------------------------------


def test_each_player_learns_from_its_own_loss_only() -> None:
    torch.manual_seed(0)
    players = Adversaries().eval()
    real, latents = torch.rand(4, 1, 64, 64), torch.randn(4, LATENTS)
    adversarial_loss(players.discriminator, real, players.generator(latents)).backward()  # type: ignore[no-untyped-call]
    together = {
        name: weight.grad.clone() for name, weight in players.named_parameters() if weight.grad is not None
    }
    assert len(together) == len(list(players.parameters()))

    players.zero_grad()
    (-players.discriminator(players.generator(latents)).mean()).backward()
    for name, weight in players.generator.named_parameters():
        assert torch.allclose(together[f"generator.{name}"], weight.grad, atol=1e-6), name

    players.zero_grad()
    drawn = players.generator(latents).detach()
    hinge = (1 - players.discriminator(real)).relu().mean() + (1 + players.discriminator(drawn)).relu().mean()
    hinge.backward()
    for name, weight in players.discriminator.named_parameters():
        assert torch.allclose(together[f"discriminator.{name}"], weight.grad, atol=1e-6), name


def test_the_codes_of_real_faces_are_spread_like_the_random_ones() -> None:
    torch.manual_seed(0)
    faces = (0.5 + torch.randn(400, 120) @ torch.randn(120, 64 * 64) / 100).view(-1, 1, 64, 64)
    codes = Eigenfaces(faces).encode(faces)
    assert codes.shape == (400, LATENTS)
    assert torch.allclose(codes.mean(0), torch.zeros(LATENTS), atol=1e-2)
    assert torch.allclose(codes.T.cov(), torch.eye(LATENTS), atol=2e-2)


def test_the_frechet_distance_is_that_of_normal_distributions() -> None:
    values = torch.randn(300, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert frechet_distance(values, values) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(values + torch.tensor([3.0, 4.0, 0.0]), values) == pytest.approx(25, abs=1e-6)
    variances = torch.diagonal(values.T.cov())
    assert frechet_distance(2 * values - values.mean(0), values) == pytest.approx(
        float(variances.sum()), rel=1e-3
    )


def test_the_nearest_face_is_found() -> None:
    faces = torch.rand(5, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    assert nearest(faces[:2], faces) == pytest.approx(0, abs=0.1)
    assert nearest(faces[:1] * 0, faces * 0 + 0.2) == pytest.approx(51, rel=1e-4)


def test_every_tenth_face_is_held_back(tmp_path: Path) -> None:
    learned, held_back = read_faces(write_faces(tmp_path), CPU)
    assert (len(learned), len(held_back)) == (22, 2)
    assert not any(torch.equal(face, other) for face in held_back for other in learned)


def test_pictures_that_are_no_such_faces_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least 20"):
        read_faces(write_faces(tmp_path, 3), CPU)
    Image.new("RGB", (64, 64)).save(tmp_path / "colour.png")
    with pytest.raises(InputError, match=r"colour .* not gray"):
        read_faces(tmp_path, CPU)


def test_it_draws_as_many_as_asked() -> None:
    faces = draw_faces(loaded("cpu"), 70, torch.Generator().manual_seed(0), CPU)
    assert faces.shape == (70, 1, 64, 64)
    assert float(faces.min()) >= 0
    assert float(faces.max()) <= 1


def test_it_is_trained_and_measured_by_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.gan.train.VALIDATED", 16)
    (tmp_path / "faces").mkdir()
    data = ["--data", str(write_faces(tmp_path / "faces"))]
    places = ["--checkpoints", str(tmp_path / "checkpoints"), "--weights", str(tmp_path / "weights")]
    assert main(["train", "gan-faces", *data, *places, "--steps", "2"]) == 0
    assert {path.suffix for path in (tmp_path / "weights").iterdir()} == {".json", ".png", ".safetensors"}
    capsys.readouterr()
    assert main(["evaluate", "gan-sample", *data]) == 0
    assert capsys.readouterr().out.startswith('{"fid_lite0": ')
