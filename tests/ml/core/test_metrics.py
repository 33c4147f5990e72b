import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import correlate1d

from ml.core.errors import InputError
from ml.core.metrics import (
    Score,
    luminance_score,
    mean_score,
    mse,
    psnr,
    quantise,
    read_pictures,
    shave,
    ssim,
)


@pytest.fixture
def pair():
    draw = np.random.default_rng(1)
    reference = draw.integers(0, 256, (40, 50)).astype(np.float64)
    return (reference + draw.normal(0, 20, reference.shape)).clip(0, 255), reference


def test_the_psnr_of_identical_pictures_is_none(pair):
    assert psnr(pair[1], pair[1]) is None


def test_the_psnr_follows_from_the_mean_squared_error():
    assert mse(np.full((4, 4), 12), np.full((4, 4), 10)) == 4
    assert psnr(np.full((4, 4), 12), np.full((4, 4), 10)) == pytest.approx(42.1102, abs=1e-4)


def test_bytes_do_not_wrap_around():
    assert mse(np.zeros((2, 2), np.uint8), np.full((2, 2), 255, np.uint8)) == 255**2


def test_ssim_is_the_one_of_its_paper(pair):
    def blur(image):
        window = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
        window /= window.sum()
        return correlate1d(correlate1d(image, window, axis=0), window, axis=1)[5:-5, 5:-5]

    x, y = pair
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_x, mean_y = blur(x), blur(y)
    var_x, var_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
    covariance = blur(x * y) - mean_x * mean_y
    expected = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    )
    assert ssim(x, y) == pytest.approx(expected.mean(), abs=1e-9)
    assert ssim(y, y) == pytest.approx(1)


def test_ssim_of_colour_is_the_mean_of_its_channels(pair):
    x, y = pair
    colour = ssim(np.stack([x, y, y], axis=2), np.stack([y, y, y], axis=2))
    assert colour == pytest.approx((ssim(x, y) + 2) / 3)


def test_what_happens_in_the_border_is_not_scored():
    reference = torch.rand(3, 30, 30)
    spoiled = reference.clone()
    spoiled[:, :3] = 1 - spoiled[:, :3]
    assert luminance_score(spoiled, reference, border=3) == Score(None, pytest.approx(1))
    assert luminance_score(spoiled, reference, border=2).psnr < 40


def test_super_resolution_is_scored_on_luminance():
    """A change of colour that leaves BT.601 luminance as it is costs nothing."""
    reference = torch.full((3, 20, 20), 0.5)
    tinted = reference + torch.tensor([0.128553, -0.065481, 0.0])[:, None, None]
    assert luminance_score(tinted, reference, border=2).psnr is None


def test_pictures_of_different_sizes_are_not_compared():
    with pytest.raises(ValueError, match="cannot compare"):
        luminance_score(torch.rand(1, 20, 20), torch.rand(1, 20, 21), border=2)


def test_quantising_clips_and_rounds():
    assert torch.equal(quantise(torch.tensor([-1.0, 0.5, 2.0])), torch.tensor([0.0, 128 / 255, 1.0]))


def test_shaving_nothing_leaves_everything():
    image = torch.rand(1, 5, 6)
    assert torch.equal(shave(image, 0), image)
    assert shave(image, 2).shape == (1, 1, 2)


def test_gray_files_are_read_as_gray_and_others_as_rgb(tmp_path):
    Image.new("L", (5, 4), 7).save(tmp_path / "b.png")
    Image.new("RGBA", (5, 4), (1, 2, 3, 255)).save(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("no picture")
    names, pictures = zip(*read_pictures(tmp_path), strict=True)
    assert names == ("a", "b")
    assert [tuple(picture.shape) for picture in pictures] == [(3, 4, 5), (1, 4, 5)]
    assert pictures[0][:, 0, 0].tolist() == [1, 2, 3]


def test_a_folder_without_pictures_is_refused_in_words(tmp_path):
    with pytest.raises(InputError, match="There is no picture in"):
        list(read_pictures(tmp_path))


def test_the_mean_of_a_set_has_no_psnr_if_one_of_it_has_none():
    assert mean_score([Score(30.0, 0.8), Score(32.0, 0.9)]) == Score(31.0, pytest.approx(0.85))
    assert mean_score([Score(30.0, 0.8), Score(None, 1.0)]).psnr is None
