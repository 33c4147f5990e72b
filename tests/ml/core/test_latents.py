"""Codes that are spread like a standard normal."""

import pytest
import torch

from ml.core.latents import between, drawn, quantiles, slerp, walk


def test_codes_are_drawn_as_wide_as_asked() -> None:
    codes = drawn(4000, 8, 0.5, torch.Generator().manual_seed(0))
    assert float(codes.std()) == pytest.approx(0.5, rel=0.02)
    assert torch.equal(codes, drawn(4000, 8, 0.5, torch.Generator().manual_seed(0)))


def test_the_way_between_two_codes_keeps_their_length() -> None:
    start, end = torch.eye(16)[0] * 4, torch.eye(16)[3] * 4
    way = slerp(start, end, torch.linspace(0, 1, 9))
    assert torch.allclose(way.norm(dim=1), torch.full((9,), 4.0))
    assert torch.allclose(way[0], start)
    assert torch.allclose(way[-1], end, atol=1e-5)


@pytest.mark.parametrize("factor", [1.0, 2.0, 0.0, -1.0])
def test_codes_in_one_line_have_a_way_too(factor: float) -> None:
    start = torch.tensor([1.0, 2.0])
    way = slerp(start, factor * start, torch.linspace(0, 1, 3))
    assert way.isfinite().all()
    assert torch.allclose(way[-1], factor * start, atol=1e-5)


def test_a_walk_passes_every_code_and_comes_back() -> None:
    codes = drawn(3, 5, 1, torch.Generator().manual_seed(0))
    way = walk(codes, 4)
    assert way.shape == (12, 5)
    assert torch.allclose(way[::4], codes, atol=1e-5)
    steps = (way - way.roll(-1, 0)).norm(dim=1)
    assert float(steps.max()) < 0.6 * float((codes - codes.roll(-1, 0)).norm(dim=1).max())


def test_a_square_has_the_four_codes_in_its_corners() -> None:
    corners = drawn(4, 6, 1, torch.Generator().manual_seed(0))
    square = between(corners, 7).view(7, 7, 6)
    for corner, place in zip(corners, ((0, 0), (0, -1), (-1, 0), (-1, -1)), strict=True):
        assert torch.allclose(square[place], corner, atol=1e-5)


def test_the_plane_is_shown_in_equal_shares_of_the_normal() -> None:
    square = quantiles(10).view(10, 10, 2)
    across, down = square[0, :, 0], square[:, 0, 1]
    shares = torch.special.ndtr(across)
    assert torch.allclose(shares, (torch.arange(10) + 0.5) / 10, atol=1e-6)
    assert torch.allclose(down, across.flip(0))
