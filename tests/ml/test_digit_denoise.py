"""What `digit-denoise` promises."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from ml.__main__ import main
from ml.core.context import Context
from ml.core.errors import Cancelled, InputError
from ml.core.images import Picture
from ml.vae_sample.run import loaded as autoencoder
from tests.ml.mnist import drawn_digit, write_mnist
from tests.ml.recorder import Recorder
from tests.ml.running import develop, odd_pictures


def digit_like_mnists(digit: int) -> Picture:
    """28x28, white on black, as the autoencoder remembers it."""
    network = autoencoder("vae-16", "cpu")
    pixels = network.draw(network.digit_codes[digit : digit + 1])[0, 0].numpy()
    return Picture(np.rint(pixels * 255).astype(np.uint8)[:, :, None])


@pytest.mark.sampled(1)
@pytest.mark.parametrize("digit", range(10))
def test_it_gives_a_digit_back_from_under_strong_noise(tmp_path: Path, digit: int) -> None:
    image = {"image": digit_like_mnists(digit)}
    result = develop("digit-denoise", tmp_path, image, {"noise": 0.5}, Context())
    clean, noisy = result.metrics["psnr"], result.metrics["noisy_psnr"]
    assert clean is not None
    assert noisy is not None
    assert clean > noisy + 6
    assert list(result.images) == ["image", "noisy"]


def test_noise_that_is_in_the_picture_goes(tmp_path: Path) -> None:
    clean = digit_like_mnists(3).pixels / 255
    noise = np.random.default_rng(0).normal(0, 0.4, clean.shape)
    noisy = Picture(np.rint(np.clip(clean + noise, 0, 1) * 255).astype(np.uint8))
    result = develop("digit-denoise", tmp_path, {"image": noisy}, {}, Context())
    small = np.asarray(result.images["image"].to_pillow().resize((28, 28))) / 255
    before, after = (
        float(np.square(each - clean[:, :, 0]).mean()) for each in (noisy.pixels[:, :, 0] / 255, small)
    )
    assert after < before / 5


def test_the_result_has_the_pictures_proportions_and_its_ground(tmp_path: Path) -> None:
    photo = np.full((600, 900, 3), 230, np.uint8)
    photo[150:450, 500:800] -= (drawn_digit(4, 300) * 0.8).astype(np.uint8)[:, :, None]
    result = develop("digit-denoise", tmp_path, {"image": Picture(photo)}, {}, Context()).images["image"]
    assert result.pixels.shape == (600, 900, 1)
    assert result.pixels[:, :450].min() == 255
    assert result.pixels[150:450, 500:800].min() < 60


def test_a_small_picture_comes_back_larger(tmp_path: Path) -> None:
    result = develop("digit-denoise", tmp_path, {"image": digit_like_mnists(8)}, {}, Context())
    assert result.images["image"].pixels.shape == (448, 448, 1)


def test_every_digit_of_a_sheet_is_restored_in_its_place(tmp_path: Path) -> None:
    row = np.concatenate([digit_like_mnists(digit).pixels for digit in (1, 2, 3)], axis=1)
    sheet = Picture(np.concatenate([row, np.zeros_like(row)]))
    result = develop("digit-denoise", tmp_path, {"image": sheet}, {"layout": "sheet"}, Context()).images[
        "image"
    ]
    assert (result.width, result.height) == (84 * 5, 56 * 5)
    small = np.asarray(result.to_pillow().resize((84, 56))).astype(float)
    assert np.abs(small[:28] - row[:, :, 0]).mean() < 12
    assert small[28:].max() < 60


def test_a_sheet_that_is_none_is_refused_in_words(tmp_path: Path) -> None:
    odd = Picture(np.zeros((280, 283, 1), np.uint8))
    with pytest.raises(InputError, match=r"283 x 280 .* no sheet of 28 by 28"):
        develop("digit-denoise", tmp_path, {"image": odd}, {"layout": "sheet"}, Context())


def test_the_same_seed_adds_the_same_noise(tmp_path: Path) -> None:
    image = {"image": digit_like_mnists(5)}
    runs = [
        develop("digit-denoise", tmp_path, image, {"noise": 0.3}, Context(seed=seed)).images["noisy"].pixels
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


@pytest.mark.parametrize("kind", odd_pictures())
def test_odd_pictures_get_a_picture_or_a_sentence(tmp_path: Path, kind: str) -> None:
    picture = odd_pictures()[kind]
    with suppress(InputError):
        result = develop("digit-denoise", tmp_path, {"image": picture}, {}, Context()).images["image"]
        assert result.width * picture.height == result.height * picture.width


def test_it_stops_when_asked(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        develop("digit-denoise", tmp_path, {"image": digit_like_mnists(5)}, {}, Recorder(cancel_at=2))


@pytest.mark.slow
def test_it_is_measured_and_trained_by_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(write_mnist(tmp_path))]
    places = ["--checkpoints", str(tmp_path / "checkpoints"), "--weights", str(tmp_path / "weights")]
    assert main(["train", "digit-denoiser", *data, *places, "--steps", "2"]) == 0
    assert {path.suffix for path in (tmp_path / "weights").iterdir()} == {".json", ".png", ".safetensors"}
    capsys.readouterr()
    assert main(["evaluate", "digit-denoise", *data]) == 0
    assert capsys.readouterr().out.startswith('{"psnr": ')
