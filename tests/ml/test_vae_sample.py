"""What `vae-sample` promises."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from ml.__main__ import main
from ml.core.context import Context, Result
from ml.core.errors import Cancelled, InputError
from ml.core.frames import frames
from ml.core.images import Picture
from ml.registry import registry
from ml.vae_sample import GAP
from ml.vae_sample.networks import Autoencoder, binarised, negative_elbo
from ml.vae_sample.run import loaded
from tests.ml.mnist import drawn_digit, write_mnist
from tests.ml.recorder import Recorder
from tests.ml.running import develop

METHODS = ("vae-16", "vae-2", "autoencoder")
OPERATION = registry().get("vae-sample")


def draw(folder: Path, context: Context | None = None, **params: Any) -> Result:
    return develop("vae-sample", folder, {}, params, context or Context())


def cell(sheet: Picture, row: int, column: int, columns: int) -> np.ndarray:
    """A digit of a sheet at its own 28 pixels, without the gaps."""
    step = (sheet.width - GAP) // columns
    left, top, side = GAP + column * step, GAP + row * step, step - GAP
    return np.asarray(sheet.to_pillow().resize((28, 28), box=(left, top, left + side, top + side))).astype(
        float
    )


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_draws_the_same_digits(tmp_path: Path, method: str) -> None:
    sheets = [
        draw(tmp_path, Context(seed=seed), method=method, count=9).images["image"].pixels
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(sheets[0], sheets[1])
    assert not np.array_equal(sheets[0], sheets[2])


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "params",
    [
        {"count": 1},
        {"count": 7},
        {"count": 400},
        {"action": "manifold"},
        {"action": "interpolate", "steps": 5},
    ],
    ids=str,
)
def test_a_sheet_is_as_large_as_was_estimated(tmp_path: Path, params: dict[str, Any]) -> None:
    sheet = draw(tmp_path, **params).images["image"]
    estimate = OPERATION.estimate(OPERATION.parse(params), {})
    assert (sheet.width, sheet.height) == (estimate.width, estimate.height)


def test_drawn_digits_have_as_much_ink_as_written_ones(tmp_path: Path) -> None:
    sheet = draw(tmp_path, count=100).images["image"]
    ink = [cell(sheet, row, column, 10).mean() / 255 for row in range(10) for column in range(10)]
    assert 0.08 < np.mean(ink) < 0.2
    assert min(ink) > 0.01


def test_a_spread_of_nothing_draws_one_digit_again_and_again(tmp_path: Path) -> None:
    sheet = draw(tmp_path, count=4, spread=0).images["image"]
    cells = [cell(sheet, row, column, 2) for row in (0, 1) for column in (0, 1)]
    assert all(np.array_equal(cells[0], other) for other in cells[1:])


def test_the_plane_of_two_numbers_changes_smoothly_and_does_not_hang_on_the_seed(tmp_path: Path) -> None:
    params = {"action": "manifold", "method": "vae-2", "side": 12}
    sheet = draw(tmp_path, Context(seed=1), **params).images["image"]
    assert np.array_equal(sheet.pixels, draw(tmp_path, Context(seed=2), **params).images["image"].pixels)
    cells = np.stack([[cell(sheet, row, column, 12) for column in range(12)] for row in range(12)])
    neighbours = np.abs(np.diff(cells, axis=1)).mean()
    assert neighbours < np.abs(cells[:, :6] - cells[:, 6:]).mean() / 2


def test_it_goes_from_one_chosen_digit_to_another(tmp_path: Path) -> None:
    network = loaded("vae-16", "cpu")
    context = Context()
    result = draw(tmp_path, context, action="interpolate", first=1, second=0, steps=9)
    for digit, (row, column) in ((1, (0, 0)), (0, (2, 2))):
        wanted = network.draw(network.digit_codes[digit : digit + 1])[0, 0].numpy() * 255
        assert np.abs(cell(result.images["image"], row, column, 3) - wanted).mean() < 12
    assert len(list(frames(result.files["film"].path))) == 16


def test_it_goes_between_two_pictures(tmp_path: Path) -> None:
    pictures = {
        slot: Picture(drawn_digit(digit, 200)[:, :, None]) for slot, digit in (("image", 0), ("other", 1))
    }
    sheet = develop("vae-sample", tmp_path, pictures, {"action": "interpolate", "steps": 4}, Context())
    start, end = (cell(sheet.images["image"], at, at, 2) for at in (0, 1))
    ring, stroke = (np.asarray(picture.to_pillow().resize((28, 28))) for picture in pictures.values())
    assert np.corrcoef(start.ravel(), ring.ravel())[0, 1] > np.corrcoef(end.ravel(), ring.ravel())[0, 1]
    assert np.corrcoef(end.ravel(), stroke.ravel())[0, 1] > np.corrcoef(start.ravel(), stroke.ravel())[0, 1]


@pytest.mark.parametrize("method", ["vae-16", "autoencoder"])
def test_a_copy_is_like_the_digit(tmp_path: Path, method: str) -> None:
    photo = Picture(255 - drawn_digit(3, 320)[:, :, None])
    params = {"action": "reconstruct", "method": method}
    result = develop("vae-sample", tmp_path, {"image": photo}, params, Context())
    copy, digit = (result.images[name].pixels.astype(float).ravel() for name in ("image", "digit"))
    assert np.corrcoef(copy, digit)[0, 1] > 0.8


def test_a_copy_of_nothing_is_refused_before_it_runs() -> None:
    with pytest.raises(InputError, match="Add a picture of one"):
        OPERATION.estimate(OPERATION.parse({"action": "reconstruct"}), {})


def test_a_photo_that_is_not_needed_is_not_judged(tmp_path: Path) -> None:
    flat = Picture(np.full((40, 40, 3), 90, np.uint8))
    assert develop("vae-sample", tmp_path, {"image": flat}, {"count": 4}, Context()).images["image"]
    with pytest.raises(InputError, match="no digit"):
        develop("vae-sample", tmp_path, {"image": flat}, {"action": "reconstruct"}, Context())


def test_it_stops_when_asked(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        draw(tmp_path, Recorder(cancel_at=3), count=400)


# The networks --------------------------------------------------------------------------------------------


def test_the_bound_is_that_of_the_paper() -> None:
    torch.manual_seed(0)
    network = Autoencoder(5, variational=True).eval()
    images = binarised(torch.full((3, 1, 28, 28), 0.4), torch.Generator().manual_seed(0))
    reconstruction, divergence = negative_elbo(network, images, torch.Generator().manual_seed(1))
    mean, log_variance = network.encode(images)
    code = Normal(mean, (log_variance / 2).exp())
    assert torch.allclose(divergence, kl_divergence(code, Normal(0, 1)).sum(1), atol=1e-5)
    noise = torch.randn(3, 5, generator=torch.Generator().manual_seed(1))
    pixels = torch.distributions.Bernoulli(logits=network.decode(mean + noise * code.scale))
    assert torch.allclose(reconstruction, -pixels.log_prob(images).sum((1, 2, 3)), rtol=1e-5)


def test_a_plain_one_draws_no_code_and_has_no_divergence() -> None:
    network = Autoencoder(5, variational=False).eval()
    images = torch.rand(3, 1, 28, 28).round()
    first, second = (negative_elbo(network, images, torch.Generator().manual_seed(seed)) for seed in (0, 1))
    assert torch.equal(first[0], second[0])
    assert not first[1].any()


def test_pixels_are_drawn_in_proportion_to_their_gray() -> None:
    drawn = binarised(torch.full((1, 1, 200, 200), 0.3), torch.Generator().manual_seed(0))
    assert set(drawn.unique().tolist()) == {0, 1}
    assert float(drawn.mean()) == pytest.approx(0.3, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vae-2", "autoencoder"])
def test_they_are_trained_and_measured_by_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    data = ["--data", str(write_mnist(tmp_path, 300))]
    places = ["--checkpoints", str(tmp_path / "checkpoints"), "--weights", str(tmp_path / "weights")]
    assert main(["train", name, *data, *places, "--steps", "2"]) == 0
    assert {path.suffix for path in (tmp_path / "weights").iterdir()} == {".json", ".png", ".safetensors"}
    capsys.readouterr()
    assert main(["evaluate", "vae-sample", "--method", name, *data]) == 0
    assert ("negative_elbo" in capsys.readouterr().out) == (name == "vae-2")
