"""Variants are repeatable, of one size, each change can be switched off, and training can draw them too."""

import io
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ml.augmentation import AugmentationParams, grid
from ml.augmentation.run import Augmentation
from ml.core.context import Context, Inputs, Result
from ml.core.errors import DeadlineExceeded
from ml.core.execution import estimate, execute
from ml.core.images import Picture, write_picture
from ml.core.reading import read_picture
from ml.registry import registry
from tests.ml.samples import GRAY, RGBA, SAMPLES, ints, photo, write_sample

OPERATION = registry().get("augmentation")
OFF: dict[str, Any] = {
    **dict.fromkeys(("scale", "shift", "rotate", "shear", "crop", "colour", "blur", "erase"), 0),
    "flip": "none",
}


def augment_file(path: Path, context: Context, **params: Any) -> Result:
    parsed, inputs = OPERATION.parse(params), Inputs({"image": [path]})
    result = execute(OPERATION, parsed, inputs, context)
    sheet, expected = result.images["image"], estimate(OPERATION, parsed, inputs)
    assert (sheet.width, sheet.height) == (expected.width, expected.height)
    return result


def variants(pixels: np.ndarray, folder: Path, seed: int = 0, **params: Any) -> list[np.ndarray]:
    path = folder / "picture.png"
    write_picture(Picture(pixels), path, "png")
    context = Context(seed=seed)
    return [picture.pixels for picture in unpacked(augment_file(path, context, **params), folder)]


def unpacked(result: Result, folder: Path) -> list[Picture]:
    with zipfile.ZipFile(result.files["variants"].path) as archive:
        archive.extractall(folder)
        return [read_picture(folder / name) for name in archive.namelist()]


@pytest.mark.slow
def test_there_are_as_many_variants_as_asked_and_no_two_alike(tmp_path: Path) -> None:
    drawn = variants(photo(48, 32), tmp_path, count=9)
    assert [each.shape for each in drawn] == [(32, 48, 3)] * 9
    assert len({each.tobytes() for each in drawn}) == 9


@pytest.mark.slow
def test_the_seed_decides_and_more_variants_begin_with_the_fewer(tmp_path: Path) -> None:
    few, more, other = (
        variants(photo(40, 30), tmp_path, seed=seed, count=count) for seed, count in ((1, 3), (1, 5), (2, 3))
    )
    assert all(np.array_equal(one, same) for one, same in zip(few, more, strict=False))
    assert not any(np.array_equal(one, another) for one, another in zip(few, other, strict=True))


@pytest.mark.parametrize(
    "pixels", [photo(40, 30), ints(RGBA), ints(GRAY, np.uint16)], ids=["rgb", "rgba", "gray-16"]
)
def test_with_everything_off_a_variant_is_the_picture(pixels: np.ndarray, tmp_path: Path) -> None:
    (variant,) = variants(pixels, tmp_path, count=1, **OFF)
    seen = pixels[:, :, -1] > 0 if pixels.shape[2] == 4 else np.ones(pixels.shape[:2], bool)
    assert np.array_equal(variant[seen], pixels[seen])


@pytest.mark.sampled(6)
@pytest.mark.parametrize(
    "change",
    [
        *({"scale": 50}, {"shift": 30}, {"rotate": 40}, {"shear": 20}, {"crop": 60}, {"colour": 60}),
        *({"blur": 3}, {"erase": 30}, {"flip": "horizontal"}, {"flip": "vertical"}, {"flip": "both"}),
    ],
    ids=str,
)
def test_each_change_works_alone(change: dict[str, Any], tmp_path: Path) -> None:
    pixels = photo(40, 30)
    drawn = variants(pixels, tmp_path, count=8, **{**OFF, **change})
    assert any(not np.array_equal(each, pixels) for each in drawn)


def test_a_flip_moves_pixels_and_changes_none(tmp_path: Path) -> None:
    pixels = photo(40, 30)
    drawn = variants(pixels, tmp_path, count=24, **{**OFF, "flip": "both"})
    expected = {each.tobytes() for each in (pixels, pixels[:, ::-1], pixels[::-1], pixels[::-1, ::-1])}
    assert {each.tobytes() for each in drawn} == expected


def test_colour_alone_leaves_everything_in_its_place(tmp_path: Path) -> None:
    pixels = photo(40, 30)[:, :, :1]
    for variant in variants(pixels, tmp_path, count=6, **{**OFF, "colour": 40}):
        assert np.corrcoef(variant.ravel(), pixels.ravel())[0, 1] > 0.95


def test_what_comes_from_outside_is_gray_or_transparent(tmp_path: Path) -> None:
    opaque = np.full((40, 40, 3), (250, 10, 10), np.uint8)
    clear = np.concatenate([opaque, np.full((40, 40, 1), 255, np.uint8)], axis=2)
    strong = {**OFF, "shift": 50}
    for variant in variants(opaque, tmp_path, count=4, **strong):
        colors = {tuple(color) for color in variant.reshape(-1, 3).tolist()}
        assert colors <= {(250, 10, 10), (127, 127, 127), (128, 128, 128)}
    for variant in variants(clear, tmp_path, count=4, **strong):
        visible = variant[variant[:, :, 3] > 0]
        assert np.abs(visible[:, :3].astype(int) - (250, 10, 10)).max() <= 1


def test_at_most_the_share_asked_for_is_erased(tmp_path: Path) -> None:
    white = np.full((60, 60, 1), 255, np.uint8)
    erased = [(each == 128).mean() for each in variants(white, tmp_path, count=16, **{**OFF, "erase": 20})]
    assert 0.01 < max(erased) < 0.22
    assert 0 in erased


def test_large_pictures_are_brought_to_the_size_asked_for(tmp_path: Path) -> None:
    assert [each.shape for each in variants(photo(200, 100), tmp_path, count=2, size=64)] == [(32, 64, 3)] * 2


@pytest.mark.sampled(7)
@pytest.mark.parametrize("name", SAMPLES)
def test_every_kind_of_picture_keeps_depth_gray_and_alpha(name: str, tmp_path: Path) -> None:
    path = write_sample(name, tmp_path)
    _, channels, depth, _ = SAMPLES[name]
    context = Context()
    for variant in unpacked(augment_file(path, context, count=2), tmp_path):
        assert (variant.pixels.shape[2], variant.pixels.dtype) == (channels, depth)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3000, 1), (1, 700)])
def test_it_takes_the_smallest_and_the_widest(size: tuple[int, int], tmp_path: Path) -> None:
    drawn = variants(photo(*size), tmp_path, count=8, blur=5, erase=80, crop=95)
    assert len(drawn) == 8


@given(st.integers(1, 64), st.integers(1, 256), st.integers(1, 256))
def test_the_sheet_has_room_for_all_and_no_empty_row_or_column(count: int, width: int, height: int) -> None:
    columns, rows = grid(count, width, height)
    assert columns * rows >= count
    assert columns * (rows - 1) < count
    assert (columns - 1) * rows < count


def test_the_same_seed_makes_the_same_archive_to_the_byte(tmp_path: Path) -> None:
    path = write_sample("rgb", tmp_path)
    contexts = [Context(seed=4), Context(seed=4)]
    one, same = (augment_file(path, each, count=2).files["variants"].path for each in contexts)
    assert one.read_bytes() == same.read_bytes()


def test_training_draws_the_same_from_its_own_generator() -> None:
    image = torch.rand(3, 20, 30, generator=torch.Generator().manual_seed(0))
    augment = Augmentation(AugmentationParams(), 30, 20)
    torch.manual_seed(5)
    untouched = torch.rand(1)
    torch.manual_seed(5)
    one, same = (augment(image, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(torch.rand(1), untouched), "torch's global generator is left as it was"
    assert torch.equal(one, same)
    assert one.shape == image.shape


def test_the_files_are_gone_with_the_context(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    Image.fromarray(photo(20, 20)).save(path)
    context = Context()
    archive = augment_file(path, context, count=1).files["variants"].path
    assert zipfile.ZipFile(io.BytesIO(archive.read_bytes())).testzip() is None
    del context
    assert not archive.parent.exists()


def test_it_can_be_stopped(tmp_path: Path) -> None:
    path = write_sample("rgb", tmp_path)
    with pytest.raises(DeadlineExceeded):
        augment_file(path, Context(deadline=time.monotonic() - 1))
