import numpy as np
import pytest
import torch
from PIL import Image

from ml.core.resampling import luminance, resize_bicubic, rgb_to_ycbcr, ycbcr_to_rgb

SCALES = (4, 3, 2, 1.5, 0.9, 0.6, 1 / 2, 1 / 3, 1 / 4)


@pytest.fixture
def image():
    return torch.rand(1, 48, 36, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("scale", SCALES)
def test_sizes_are_rounded_up(image, scale):
    height, width = resize_bicubic(image, scale).shape[-2:]
    assert (height, width) == (np.ceil(round(48 * scale, 6)), np.ceil(round(36 * scale, 6)))


@pytest.mark.parametrize("scale", SCALES)
def test_a_flat_picture_stays_flat_to_its_borders(scale):
    flat = torch.full((2, 24, 24), 0.3, dtype=torch.float64)
    assert torch.allclose(resize_bicubic(flat, scale), torch.tensor(0.3, dtype=torch.float64))


@pytest.mark.parametrize("scale", [2, 3, 4, 1 / 2, 1 / 3, 1 / 4])
def test_borders_are_mirrored(image, scale):
    margin = 12
    mirrored = torch.from_numpy(
        np.pad(image.numpy(), ((0, 0), (margin, margin), (margin, margin)), "symmetric")
    )
    inside = round(margin * scale)
    assert torch.allclose(
        resize_bicubic(image, scale), resize_bicubic(mirrored, scale)[:, inside:-inside, inside:-inside]
    )


@pytest.mark.parametrize("scale", [2, 3, 4, 1 / 2, 1 / 3, 1 / 4])
def test_inside_it_is_the_antialiased_bicubic_of_pillow(image, scale):
    """Pillow has the same kernel and cuts it at the border instead of mirroring."""
    resized = resize_bicubic(image, scale)[0]
    size = (resized.shape[1], resized.shape[0])
    pillow = np.asarray(Image.fromarray(image[0].float().numpy()).resize(size, Image.Resampling.BICUBIC))
    border = max(3, round(3 * scale))
    difference = np.abs(resized.numpy() - pillow)
    assert difference[border:-border, border:-border].max() < 1e-5
    assert difference.max() > 1e-3


def test_an_impulse_becomes_the_kernel_of_keys():
    impulse = torch.zeros(1, 1, 9, dtype=torch.float64)
    impulse[..., 4] = 1
    row = resize_bicubic(impulse, 2)[0, 0]
    expected = [-0.0234375, -0.0703125, 0.2265625, 0.8671875, 0.8671875, 0.2265625, -0.0703125, -0.0234375]
    assert row[5:13].tolist() == pytest.approx(expected)
    assert row[:5].abs().max() == row[13:].abs().max() == 0


def test_ycbcr_has_the_studio_range_of_bt601():
    colours = torch.tensor([[0, 0, 0], [1, 1, 1], [1, 0, 0]], dtype=torch.float64).T[:, None]
    levels = rgb_to_ycbcr(colours)[:, 0].T * 255
    assert levels[0].tolist() == pytest.approx([16, 128, 128])
    assert levels[1].tolist() == pytest.approx([235, 128, 128])
    assert levels[2].tolist() == pytest.approx([81.481, 90.203, 240])


def test_ycbcr_and_back_changes_nothing():
    image = torch.rand(2, 3, 5, 4, dtype=torch.float64)
    assert torch.allclose(ycbcr_to_rgb(rgb_to_ycbcr(image)), image)


def test_a_gray_picture_is_its_own_luminance():
    gray = torch.rand(1, 5, 4)
    assert luminance(gray) is gray
    assert torch.allclose(luminance(gray.expand(3, -1, -1)), gray * 219 / 255 + 16 / 255)
