"""SPAN: its weights, its borders and tiles, and colours that stay."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from skimage import data
from torch import nn

from ml.core.context import Context
from ml.core.device import infer, torch_device
from ml.core.images import Picture, to_float
from ml.super_resolution import CLEAR_REALITY, TILES
from ml.super_resolution import SPAN as WEIGHTS
from ml.super_resolution.params import Single
from ml.super_resolution.run import enlarge, enlarger, weights_of
from ml.super_resolution.span import SPAN, ColorKept, mirrored
from tests.ml.samples import alpha, photo

CAT = np.ascontiguousarray(data.chelsea()[120:184, 60:156])
METHODS: tuple[Single, ...] = ("clear-reality", "span")
COLORS = ((0, 0, 0), (255, 255, 255), (128, 128, 128), (255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 150, 120))


def small(scale: int = 2, bare_from: int | None = None) -> SPAN:
    torch.manual_seed(0)
    return SPAN(scale, width=6, blocks=2, bare_from=bare_from).eval()


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 30), (7, 9)])
def test_the_network_enlarges_by_its_scale(scale: int, size: tuple[int, int]) -> None:
    with torch.inference_mode():
        enlarged = small(scale)(torch.rand(2, 3, *size))
    assert enlarged.shape == (2, 3, size[0] * scale, size[1] * scale)


@torch.inference_mode()
def test_what_no_picture_holds_is_clipped() -> None:
    image = torch.rand(1, 3, 8, 8) * 3 - 1
    assert torch.equal(small()(image), small()(image.clamp(0, 1)))


@torch.inference_mode()
def test_only_a_large_enough_picture_goes_bare() -> None:
    image = torch.rand(1, 3, 8, 9)
    with_margin = small()(image)
    assert torch.equal(small(bare_from=9)(image), with_margin)
    assert not torch.allclose(small(bare_from=8)(image), with_margin)


def test_the_margin_is_mirrored_as_often_as_it_takes() -> None:
    image = torch.arange(3.0).view(1, 1, 1, 3)
    assert mirrored(image, 4)[0, 0, 2].tolist() == [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]


class Tinted(nn.Module):
    """Twice as large, with a tint and with a pattern of the four places in a pixel."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        pattern = torch.tensor([[0.1, -0.05], [0.0, 0.05]]).repeat(*image.shape[-2:])
        return nn.functional.interpolate(image, scale_factor=2, mode="bicubic") * 0.9 + 0.02 + pattern


@torch.inference_mode()
def test_a_flat_area_becomes_flat_again() -> None:
    flat = torch.tensor([0.7, 0.4, 0.5]).view(1, 3, 1, 1).expand(1, 3, 20, 30)
    kept = ColorKept(Tinted(), 2)(flat)
    assert torch.allclose(kept, flat[..., :1, :1].expand_as(kept), atol=1e-5)


@torch.inference_mode()
def test_no_pattern_is_carried_across_an_edge() -> None:
    step = torch.cat([torch.full((1, 3, 40, 30), 0.2), torch.full((1, 3, 40, 30), 0.7)], dim=-1)

    class TintedDark(Tinted):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            large = nn.functional.interpolate(image, scale_factor=2)
            return torch.where(large < 0.5, super().forward(image), large)

    bright = ColorKept(TintedDark(), 2)(step)[..., 64:72]
    assert bright.diff(dim=-2).abs().max() < 0.5 / 255


@torch.inference_mode()
def test_colour_is_kept_without_touching_detail() -> None:
    detail = torch.rand(1, 3, 40, 40) * 0.2 + 0.4

    class Sharp(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            plain = nn.functional.interpolate(image, scale_factor=2, mode="bicubic")
            return plain + 0.5 * (plain - nn.functional.avg_pool2d(plain, 5, 1, 2, count_include_pad=False))

    kept, sharp = ColorKept(Sharp(), 2)(detail), Sharp()(detail)
    assert (kept - sharp).abs().mean() < 0.2 * (sharp - sharp.mean()).abs().mean()


def test_each_scale_has_its_weights() -> None:
    assert [TILES["span"].native(scale) for scale in (1.5, 2, 2.1, 3, 4, 8)] == [2, 2, 4, 4, 4, 4]
    assert weights_of("span", 1.5) == weights_of("span", 2) == (WEIGHTS[2],)
    assert weights_of("span", 3) == weights_of("span", 8) == (WEIGHTS[4],)
    assert weights_of("clear-reality", 2) == (CLEAR_REALITY,)


@pytest.mark.slow
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("method", METHODS)
def test_the_enlarged_picture_is_the_same_picture(method: Single, scale: int) -> None:
    enlarged = enlarge(Picture(CAT), method, scale, Context())
    assert (enlarged.width, enlarged.height) == (96 * scale, 64 * scale)
    back = cv2.resize(enlarged.pixels, (96, 64), interpolation=cv2.INTER_AREA).astype(int) - CAT
    assert np.abs(back).mean() < 4
    assert np.abs(back.mean(axis=(0, 1))).max() < 0.5, "a colour shift"


@pytest.mark.slow
@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 20), (8, 8), (56, 50)])
@pytest.mark.parametrize("method", METHODS)
def test_a_flat_field_keeps_its_colour(method: Single, size: tuple[int, int], scale: int) -> None:
    for color in COLORS:
        field = np.broadcast_to(np.array(color, np.uint8), (*size, 3)).copy()
        enlarged = enlarge(Picture(field), method, scale, Context()).pixels
        assert np.abs(enlarged.mean(axis=(0, 1)) - color).max() <= 1, color


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_gray_alpha_and_depth_stay(method: Single) -> None:
    color = photo(24, 20).mean(axis=2, keepdims=True)
    pixels = np.concatenate([color * 257, alpha() * 65535], axis=2).astype(np.uint16)
    enlarged = enlarge(Picture(pixels), method, 3, Context())
    assert enlarged.pixels.shape == (60, 72, 2)
    assert enlarged.pixels.dtype == np.uint16
    assert len(np.unique(enlarged.pixels[:, :, 0] % 257)) > 100, "rounded to 8 bits"
    back = cv2.resize(enlarged.pixels, (24, 20), interpolation=cv2.INTER_AREA).astype(int) - pixels
    assert np.abs(back[:, :, 1]).mean() < 300
    assert np.abs(back[:, 10:, 0]).mean() < 16 * 257


@pytest.mark.slow
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("method", METHODS)
def test_tiles_equal_the_whole(method: Single, scale: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tall = np.ascontiguousarray(
        data.chelsea()[112:192, 60:156]
    )  # its tiles are as large as span wants without margin
    _, apply = enlarger(method, scale, "cpu")
    whole = np.rint(np.clip(infer(apply, to_float(tall), torch_device("cpu")), 0, 1) * 255)
    monkeypatch.setattr("ml.super_resolution.run.TILES", {method: replace(TILES[method], side=50)})
    assert np.abs(enlarge(Picture(tall), method, scale, Context()).pixels - whole).max() <= 1
