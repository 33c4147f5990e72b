"""Tiles: no seams, bounded memory, live, and stopped when asked."""

import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from ml.core.context import Context
from ml.core.device import cancellable, infer
from ml.core.errors import Cancelled, DeadlineExceeded, OutOfMemory
from ml.core.images import Picture, from_float, to_float
from ml.core.tiling import Box, tiled
from ml.super_resolution.run import shrunk
from tests.ml.samples import photo


class Spy(Context):
    """Remembers what it hears."""

    def __init__(self) -> None:
        super().__init__()
        self.fractions: list[float] = []
        self.previews: list[Picture] = []

    def progress(self, fraction: float, note: object = None) -> None:
        self.fractions.append(fraction)

    def preview(self, picture: Picture) -> None:
        self.previews.append(picture)


class SmallNet(nn.Sequential):
    """Enlarges four times and sees three pixels around each."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.PReLU(8),
            nn.Conv2d(8, 8, 3, padding=1),
            nn.PReLU(8),
            nn.Conv2d(8, 48, 3, padding=1),
            nn.PixelShuffle(4),
        )


def as_function(network: nn.Module, scale: int) -> Callable[[Picture], Picture]:
    def enlarge(tile: Picture) -> Picture:
        values = infer(
            lambda image: shrunk(torch.sigmoid(network(image)), [scale * side for side in image.shape[-2:]]),
            to_float(tile.pixels),
            torch.device("cpu"),
        )
        return Picture(from_float(values, tile.pixels.dtype))

    return enlarge


def copied(tile: Picture) -> Picture:
    return Picture(tile.pixels.copy())


def quadrupled(tile: Picture) -> Picture:
    return Picture(np.repeat(np.repeat(tile.pixels, 4, axis=0), 4, axis=1))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(101, 71), (137, 96), (270, 190), (700, 500)])
def test_tiles_of_any_size_fit_together(size: tuple[int, int], channels: int) -> None:
    """Noise, in which a seam or a shift of a part of a pixel would be plain. What is clear has no colour to compare."""
    pixels = np.random.default_rng(0).integers(0, 256, (70, 100, channels), dtype=np.uint8)
    if channels in (2, 4):
        pixels[:, :, -1] |= 128
    whole, parts = (
        tiled(Picture(pixels), quadrupled, Context(), side=side, overlap=0, scale=4, size=size).pixels
        for side in (100, 33)
    )
    assert whole.shape == (size[1], size[0], channels)
    apart = np.abs(whole.astype(int) - parts)
    assert apart.max() <= 2
    assert apart.mean() < 0.02


@given(st.integers(1, 400), st.integers(1, 400), st.integers(10, 150))
@settings(deadline=None, max_examples=50)
def test_boxes_cover_every_pixel_once_and_are_even(width: int, height: int, side: int) -> None:
    covered = np.zeros((height, width), int)
    boxes = list(Box(0, 0, width, height).split(side))
    for box in boxes:
        covered[box.slices] += 1
    assert (covered == 1).all()
    for lengths in ([box.width for box in boxes], [box.height for box in boxes]):
        assert max(lengths) <= side
        assert max(lengths) - min(lengths) <= 1


@given(st.integers(1, 60), st.integers(1, 60), st.integers(8, 40), st.integers(0, 9))
@settings(deadline=None, max_examples=30)
def test_a_picture_comes_through_unchanged(width: int, height: int, side: int, overlap: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    result = tiled(Picture(pixels), copied, Context(), side=side, overlap=overlap)
    assert np.array_equal(result.pixels, pixels)


def spread(reach: int, scale: int) -> Callable[[Picture], Picture]:
    """Each pixel becomes the brightest within reach, `scale` times as wide and high: what lies a pixel too near shows."""

    def function(tile: Picture) -> Picture:
        around = np.pad(tile.pixels, ((reach, reach), (reach, reach), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(around, (2 * reach + 1, 2 * reach + 1), (0, 1))
        brightest = windows.max(axis=(-2, -1))
        return Picture(brightest.repeat(scale, axis=0).repeat(scale, axis=1))

    return function


@pytest.mark.slow
@given(
    size=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    side=st.integers(1, 60),
    overlap=st.integers(0, 9),
    scale=st.integers(1, 3),
    align=st.integers(1, 8),
)
@settings(deadline=None, max_examples=40)
def test_no_size_of_picture_tile_and_overlap_leaves_a_seam(
    size: tuple[int, int], side: int, overlap: int, scale: int, align: int
) -> None:
    picture = Picture(np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8))
    function = spread(overlap, scale)
    parts = tiled(picture, function, Context(), side=side, overlap=overlap, scale=scale, align=align)
    assert np.array_equal(parts.pixels, function(picture).pixels)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiles_of_a_network_equal_the_whole(scale: int, dtype: type) -> None:
    torch.manual_seed(0)
    enlarge = as_function(SmallNet(), scale)
    pixels = photo(83, 61).astype(dtype) * (257 if dtype is np.uint16 else 1)
    whole = enlarge(Picture(pixels)).pixels.astype(int)
    parts = tiled(Picture(pixels), enlarge, Context(), side=20, overlap=8, scale=scale).pixels.astype(int)
    assert parts.shape == (61 * scale, 83 * scale, 3)
    assert np.abs(parts - whole).max() <= np.iinfo(dtype).max / 255


def test_too_little_overlap_would_be_noticed() -> None:
    """The comparison above can fail."""
    torch.manual_seed(0)
    enlarge = as_function(SmallNet(), 4)
    picture = Picture(photo(83, 61))
    parts = tiled(picture, enlarge, Context(), side=20, overlap=0, scale=4).pixels.astype(int)
    assert np.abs(parts - enlarge(picture).pixels.astype(int)).max() > 5


def test_tiles_begin_where_the_network_wants_them() -> None:
    """A network that halves the picture sees the same pairs of pixels in every tile."""

    def paired(tile: Picture) -> Picture:
        values = torch.from_numpy(to_float(tile.pixels)).permute(2, 0, 1)[None]
        padded = functional.pad(values, (0, -tile.width % 2, 0, -tile.height % 2), mode="replicate")
        coarse = functional.interpolate(functional.avg_pool2d(padded, 2), scale_factor=2)
        return Picture(
            from_float(coarse[0, :, : tile.height, : tile.width].permute(1, 2, 0).numpy(), np.uint8)
        )

    picture = Picture(photo(83, 61))
    parts = tiled(picture, paired, Context(), side=15, overlap=3, align=2)
    assert np.array_equal(parts.pixels, paired(picture).pixels)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError(
            "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."
        ),
        MemoryError(),
    ],
)
def test_out_of_memory_halves_the_tile_and_keeps_what_is_done(error: Exception) -> None:
    sizes: list[int] = []

    def greedy(tile: Picture) -> Picture:
        sizes.append(tile.width)
        if len(sizes) > 2 and tile.width > 40:
            raise error
        return copied(tile)

    picture = Picture(photo(256, 64))
    result = tiled(picture, greedy, Context(), side=64, overlap=0)
    assert np.array_equal(result.pixels, picture.pixels)
    assert sizes[:3] == [64, 64, 64]
    assert set(sizes[3:]) == {32}
    assert len(sizes) == 3 + 2 * 4


def test_it_gives_up_in_words_when_no_tile_fits() -> None:
    def impossible(tile: Picture) -> Picture:
        raise MemoryError

    with pytest.raises(OutOfMemory, match="memory"):
        tiled(Picture(photo(64, 64)), impossible, Context(), side=64, overlap=0)


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    def broken(tile: Picture) -> Picture:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        tiled(Picture(photo(64, 64)), broken, Context(), side=64, overlap=0)


def test_progress_rises_to_one() -> None:
    spy = Spy()
    tiled(Picture(photo(100, 70)), copied, spy, side=30, overlap=4)
    assert len(spy.fractions) == 13
    assert spy.fractions == sorted(spy.fractions)
    assert spy.fractions[-1] == 1


def test_progress_rises_inside_a_tile_with_the_layers_of_its_network() -> None:
    spy, network = Spy(), SmallNet()
    enlarge = as_function(network, 4)
    tiled(Picture(photo(60, 30)), enlarge, spy, side=30, overlap=4, scale=4, network=network)
    assert spy.fractions == pytest.approx(
        [0, *(n / 12 for n in range(6)), 0.5, *(n / 12 for n in range(6, 12)), 1]
    )


def test_the_preview_shows_finished_tiles_in_a_small_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.core.tiling.PREVIEW_SECONDS", 0)
    spy = Spy()
    dark = Picture(np.zeros((600, 1200, 3), np.uint16))
    tiled(dark, lambda tile: Picture(tile.pixels + 65535), spy, side=600, overlap=0)
    first, last = spy.previews
    assert (first.width, first.height) == (768, 384)
    assert first.pixels.dtype == np.uint8
    assert first.pixels[:, :384].min() == 255
    assert first.pixels[:, 384:].max() == 0
    assert last.pixels.min() == 255


def test_cancelling_stops_between_tiles() -> None:
    class Impatient(Spy):
        def cancel_requested(self) -> bool:
            return len(self.fractions) >= 2

    context = Impatient()
    with pytest.raises(Cancelled):
        tiled(Picture(photo(100, 70)), copied, context, side=30, overlap=4)
    assert len(context.fractions) == 2


def test_cancelling_stops_inside_a_network() -> None:
    class Counted(nn.Module):
        calls = 0

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            if self is layers[7]:
                context.deadline = time.monotonic() - 1
            return image

    layers = [Counted() for _ in range(100)]
    network = nn.Sequential(nn.Sequential(*layers))
    context = Context()
    with pytest.raises(DeadlineExceeded), cancellable(network, context):
        network(torch.zeros(1))
    assert [layer.calls for layer in layers] == [1] * 8 + [0] * 92
    network(torch.zeros(1))
    assert all(layer.calls for layer in layers), "afterwards the network is its own again"
