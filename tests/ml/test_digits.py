"""MNIST's files, and digits on pictures of any size."""

import gzip
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from ml.core.errors import InputError
from ml.core.images import Picture
from ml.digits.finding import find_digit, put_back
from ml.digits.mnist import read_digits, read_parted
from tests.ml.mnist import drawn_digit, idx, write_mnist

SIZES = {"small": (60, 60), "wide": (300, 500), "photo": (1400, 1000)}


def on_paper(digit: int, height: int, width: int, *, share: float = 0.5, light: float = 0.9) -> np.ndarray:
    """(height, width), float: a dark digit right of the middle on paper that is darker to the left."""
    side = round(share * min(height, width))
    ink = np.zeros((height, width))
    left, top = (width - side) * 3 // 4, (height - side) // 3
    ink[top : top + side, left : left + side] = drawn_digit(digit, side) / 255
    paper = light - 0.3 * (1 - np.arange(width) / width)
    return paper * (1 - 0.9 * ink)


def picture(values: np.ndarray) -> Picture:
    return Picture(np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)[:, :, None])


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def test_mnist_is_read_as_its_authors_wrote_it(tmp_path: Path) -> None:
    images, classes = read_digits(write_mnist(tmp_path), "t10k")
    assert images.shape == (120, 1, 28, 28)
    assert (float(images.min()), float(images.max())) == (0, 1)
    assert classes[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


def test_every_thirtieth_digit_is_held_back(tmp_path: Path) -> None:
    (learned, _), (held_back, classes) = read_parted(write_mnist(tmp_path))
    assert (len(learned), len(held_back)) == (116, 4)
    assert classes.tolist() == [5, 5, 5, 5]
    every, _ = read_digits(tmp_path, "train")
    assert torch.equal(held_back, every[15::30])


def test_files_that_are_not_mnist_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte.gz is not in .* four .gz files"):
        read_digits(tmp_path, "train")
    images = write_mnist(tmp_path) / "train-images-idx3-ubyte.gz"
    whole = images.read_bytes()
    for broken in (whole[:-200], b"no gzip", gzip.compress(gzip.decompress(whole)[:-5])):
        images.write_bytes(broken)
        with pytest.raises(InputError, match="get it again"):
            read_digits(tmp_path, "train")
    images.write_bytes(gzip.compress(idx(np.zeros((3, 28, 28), np.uint8))))
    with pytest.raises(InputError, match="do not belong together"):
        read_digits(tmp_path, "train")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dark", [True, False])
def test_a_digit_is_found_whatever_the_size_and_brought_into_mnists_form(size: str, dark: bool) -> None:
    values = on_paper(5, *SIZES[size])
    found = find_digit(picture(values if dark else 1 - values))
    assert found.dark == dark
    assert found.pixels.shape == (28, 28)
    rows, columns = np.nonzero(found.pixels > 0.3)
    assert 18 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 22
    weights = found.pixels / found.pixels.sum()
    middle = [float((weights * places).sum()) for places in np.mgrid[0:28, 0:28]]
    assert middle == pytest.approx([13.5, 13.5], abs=0.7)
    assert likeness(found.pixels, find_digit(Picture(drawn_digit(5, 200)[:, :, None])).pixels) > 0.9


@pytest.mark.parametrize("sigma", [0.1, 0.3])
def test_a_digit_is_found_under_noise(sigma: float) -> None:
    clean = on_paper(2, 300, 300)
    noisy = clean + np.random.default_rng(0).normal(0, sigma, clean.shape)
    found, wanted = find_digit(picture(noisy)), find_digit(picture(clean))
    assert found.side == pytest.approx(wanted.side, rel=0.1)
    assert likeness(found.pixels, wanted.pixels) > 0.8


def test_a_pen_as_thin_as_a_hair_becomes_as_thick_as_mnists() -> None:
    ink = np.zeros((600, 600), np.uint8)
    cv2.putText(ink, "2", (150, 450), cv2.FONT_HERSHEY_SIMPLEX, 14, 255, 5, cv2.LINE_AA)
    found = find_digit(Picture(255 - ink[:, :, None])).pixels
    assert 0.06 < found.mean() < 0.2


def test_a_picture_of_28_pixels_is_taken_as_it_is() -> None:
    digit = drawn_digit(7)
    assert np.allclose(find_digit(Picture(digit[:, :, None])).pixels * 255, digit)
    assert np.allclose(find_digit(Picture(255 - digit[:, :, None])).pixels * 255, digit, atol=0.01)


@pytest.mark.parametrize("kind", ["flat", "noise", "one pixel", "specks", "ramp"])
def test_where_there_is_no_figure_a_sentence_says_so(kind: str) -> None:
    rng = np.random.default_rng(0)
    specks = np.full((400, 400), 0.9)
    specks[200:203, 100:103] = 0
    values = {
        "flat": np.full((200, 300), 0.8),
        "noise": rng.random((300, 300)),
        "one pixel": np.full((1, 1), 0.3),
        "specks": specks,
        "ramp": np.tile(np.linspace(0, 1, 300), (200, 1)),
    }[kind]
    with pytest.raises(InputError, match="no digit to be seen"):
        find_digit(picture(values))


def test_a_digit_goes_back_to_where_it_was() -> None:
    values = on_paper(3, 240, 320)
    found = find_digit(picture(values))
    back = put_back(found.pixels, found, 320, 240, 2)
    assert back.pixels.shape == (480, 640, 1)
    wanted = cv2.resize(on_paper(3, 240, 320, light=1.3).clip(0, 1), (640, 480))
    assert likeness(back.pixels[:, :, 0], wanted) > 0.85
    assert back.pixels[0, 0, 0] == 255
