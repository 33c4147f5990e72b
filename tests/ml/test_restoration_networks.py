import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from skimage import data
from torch.nn import functional

import ml
from ml.core.resampling import resize_bicubic
from ml.denoise import evaluate as denoisers
from ml.denoise.evaluate import score_denoising
from ml.denoise.networks import Denoiser
from ml.super_resolution.evaluate import enlargement, score_luminance
from ml.super_resolution.networks import FSRCNN, SRCNN, Deconvolution, LatentSR

CPU = torch.device("cpu")
PACKAGES = Path(ml.__file__).parent
SHIPPED = [
    *sorted((PACKAGES / "super_resolution" / "weights").glob("*.safetensors")),
    *sorted((PACKAGES / "denoise" / "weights").glob("*.safetensors")),
]


def weights_without_biases_and_slopes(network):
    return sum(parameter.numel() for parameter in network.parameters() if parameter.ndim > 1)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture
def denoiser():
    network = Denoiser(widths=(8, 12, 16), depth=1)
    torch.nn.init.normal_(network.tail.weight, std=0.1)
    return network


def test_srcnn_has_the_weights_of_its_paper():
    assert weights_without_biases_and_slopes(SRCNN()) == 57_184


def test_fsrcnn_has_the_weights_of_its_paper():
    assert weights_without_biases_and_slopes(FSRCNN(scales=[3])) == 12_464


def test_latent_sr_is_compact():
    assert sum(each.numel() for each in LatentSR().parameters()) < 1_000_000


@pytest.mark.parametrize("build", [FSRCNN, LatentSR])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_networks_enlarge_by_their_scale(build, scale):
    assert build()(torch.rand(2, 1, 7, 9), scale).shape == (2, 1, 7 * scale, 9 * scale)


def test_srcnn_keeps_the_size():
    assert SRCNN()(torch.rand(2, 1, 7, 9)).shape == (2, 1, 7, 9)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_deconvolution_is_a_transposed_convolution(scale):
    layer = Deconvolution(channels=3, scale=scale)
    torch.nn.init.normal_(layer.weight)
    features = torch.rand(2, 3, 6, 5)
    expected = functional.conv_transpose2d(
        features,
        layer.weight[:, None],
        layer.bias,
        stride=scale,
        padding=layer.crop,
        output_padding=scale + 2 * layer.crop - 9,
    )
    assert torch.allclose(layer(features), expected, atol=1e-5)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_latent_sr_starts_as_the_bicubic(scale):
    image = torch.rand(1, 1, 12, 12)
    inside = slice(2 * scale, -2 * scale)
    difference = LatentSR()(image, scale) - resize_bicubic(image, scale)
    assert difference[..., inside, inside].abs().max() < 1e-5


def test_srcnn_starts_near_the_identity():
    image = torch.rand(1, 1, 32, 32)
    assert (SRCNN()(image) - image).abs().mean() < 0.05


@pytest.mark.parametrize("shape", [(2, 3, 32, 24), (1, 1, 33, 17), (1, 3, 5, 3), (1, 1, 1, 1)])
def test_the_denoiser_takes_any_size_in_colour_and_gray(denoiser, shape):
    assert denoiser(torch.rand(shape), torch.full(shape[:1], 0.1)).shape == shape


def test_no_noise_means_no_change(denoiser):
    image = torch.rand(1, 3, 16, 16)
    assert torch.equal(denoiser(image, torch.zeros(1)), image)
    assert not torch.equal(denoiser(image, torch.full((1,), 0.1)), image)


def test_the_level_is_a_number_or_a_map(denoiser):
    image = torch.rand(2, 3, 17, 10)
    sigma = torch.tensor([0.05, 0.2])
    level_map = sigma[:, None, None, None].expand(2, 1, 17, 10)
    assert torch.allclose(denoiser(image, sigma), denoiser(image, level_map))


def test_gray_is_denoised_as_three_equal_channels(denoiser):
    gray, sigma = torch.rand(1, 1, 16, 16), torch.tensor([0.1])
    as_colour = denoiser(gray.expand(-1, 3, -1, -1), sigma).mean(1, keepdim=True)
    assert torch.allclose(denoiser(gray, sigma), as_colour, atol=1e-6)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_weights_are_the_ones_on_their_card(path):
    card = json.loads(path.with_suffix(".json").read_text())
    assert card["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert card["measured"], "fill it with: python -m ml evaluate … --card"
    assert path.with_suffix(".png").exists()


@pytest.fixture(scope="module")
def photo():
    """A part of a photo that no network was trained on: (3, 96, 96)."""
    return torch.from_numpy(data.astronaut()[30:126, 170:266]).permute(2, 0, 1)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(("method", "gain"), [("fsrcnn", 0.7), ("srcnn", 0.6), ("latent-sr", 0.7)])
def test_the_shipped_networks_beat_the_bicubic(photo, method, gain, scale):
    with torch.inference_mode():
        trained, bicubic = (
            score_luminance(enlargement(name, scale, "cpu"), scale, [photo], CPU).psnr
            for name in (method, "bicubic")
        )
    assert trained > bicubic + gain


class Bicubic:
    """Remembers what it was given."""

    def __init__(self, scale):
        self.scale, self.given = scale, []

    def __call__(self, image):
        self.given.append(image)
        return resize_bicubic(image, self.scale)


def by_hand(enlarged, truth, scale):
    """PSNR of two RGB pictures from 0 to 255, on Y that is not rounded."""
    weights = torch.tensor([65.481, 128.553, 24.966], dtype=torch.float64)[:, None, None] / 255
    apart = ((enlarged - truth) * weights).sum(0)[scale:-scale, scale:-scale]
    return float(10 * torch.log10(255**2 / (apart**2).mean()))


@pytest.mark.parametrize("scale", [2, 3])
def test_a_network_for_colour_is_measured_from_file_to_file(scale):
    truth = torch.randint(0, 256, (3, 41, 38), dtype=torch.uint8)
    enlarge = Bicubic(scale)
    score = score_luminance(enlarge, scale, [truth], CPU, color=True)
    (small,) = enlarge.given
    assert small.shape == (3, 41 // scale, 38 // scale)
    assert torch.allclose(small * 255, (small * 255).round(), atol=1e-4)
    enlarged = (resize_bicubic(small, scale).clamp(0, 1).double() * 255).round()
    wanted = truth[:, : 41 // scale * scale, : 38 // scale * scale].double()
    assert score.psnr == pytest.approx(by_hand(enlarged, wanted, scale), abs=1e-3)


def test_a_gray_picture_is_three_equal_channels_for_a_network_for_colour():
    gray = torch.randint(0, 256, (1, 40, 40), dtype=torch.uint8)
    as_gray, as_rgb = (
        score_luminance(Bicubic(2), 2, [each], CPU, color=True) for each in (gray, gray.expand(3, -1, -1))
    )
    assert as_gray == as_rgb


def test_a_network_for_luminance_is_given_y_that_is_not_rounded_again():
    truth = torch.randint(0, 256, (3, 40, 40), dtype=torch.uint8)
    enlarge = Bicubic(2)
    score_luminance(enlarge, 2, [truth], CPU)
    (small,) = enlarge.given
    assert small.shape == (1, 20, 20)
    assert not torch.allclose(small * 255, (small * 255).round(), atol=1e-2)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("clipped", [False, True])
@pytest.mark.parametrize(("sigma", "gain"), [(15, 4.5), (25, 6.5), (50, 9)])
def test_the_shipped_denoiser_removes_noise_in_colour_and_gray(photo, sigma, gain, clipped):
    for picture in (photo, photo[1:2]):
        with torch.inference_mode():
            cleaned, noisy = (
                score_denoising(make("cpu"), sigma, [picture], CPU, clipped).psnr
                for make in (denoisers.dncnn, denoisers.METHODS["noisy"])
            )
        assert cleaned > noisy + gain


@pytest.mark.slow
def test_running_and_measuring_need_no_library_of_the_training():
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, ml.super_resolution.evaluate, ml.denoise.evaluate;"
            "print(*({'matplotlib', 'ml.core.training'} & set(sys.modules)))",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=PACKAGES.parent,
    )
    assert loaded.stdout.strip() == ""
