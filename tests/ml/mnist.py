"""A small MNIST: drawn digits in files of its form."""

import gzip
from pathlib import Path

import cv2
import numpy as np


def drawn_digit(digit: int, side: int = 28, *, thickness: float = 0.1) -> np.ndarray:
    """(side, side), uint8, white on black, in the middle."""
    ink = np.zeros((400, 400), np.uint8)
    cv2.putText(
        ink, str(digit), (110, 300), cv2.FONT_HERSHEY_SIMPLEX, 9, 255, round(400 * thickness), cv2.LINE_AA
    )
    return cv2.resize(ink, (side, side), interpolation=cv2.INTER_AREA)


def write_mnist(folder: Path, count: int = 120) -> Path:
    """Training and test part, each of `count` digits; returns the folder."""
    classes = np.arange(count, dtype=np.uint8) % 10
    shifts = np.random.default_rng(0).integers(-2, 3, (count, 2))
    images = np.stack(
        [
            np.roll(drawn_digit(int(digit)), shift, (0, 1))
            for digit, shift in zip(classes, shifts, strict=True)
        ]
    )
    for part in ("train", "t10k"):
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(classes)))
    return folder


def idx(values: np.ndarray) -> bytes:
    """An array of bytes in the IDX format."""
    header = bytes((0, 0, 8, values.ndim)) + np.array(values.shape, ">u4").tobytes()
    return header + values.tobytes()
