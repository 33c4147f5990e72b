"""MNIST (LeCun, Cortes and Burges, 1998), as its authors give it: pictures and classes in gzipped IDX files."""

import gzip
import zlib
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ml.core.errors import InputError
from ml.core.messages import MNIST_DAMAGED, MNIST_MISSING, MNIST_UNPAIRED, NO_IDX

SIDE = 28
"""Of a picture, in pixels."""

DATA = "MNIST, its 60,000 training pictures of handwritten digits, every thirtieth held back"
TERMS = "MNIST, by Yann LeCun, Corinna Cortes and Christopher J.C. Burges: CC BY-SA 3.0"
HELD_BACK = 30
Part = Literal["train", "t10k"]


def read_digits(folder: Path, part: Part) -> tuple[Tensor, Tensor]:
    """The pictures (N, 1, 28, 28) in [0, 1], light on dark, and which digits they show, (N,); raises `InputError`."""
    images = _read_idx(folder / f"{part}-images-idx3-ubyte.gz", 3)
    classes = _read_idx(folder / f"{part}-labels-idx1-ubyte.gz", 1)
    if images.shape != (len(classes), SIDE, SIDE):
        raise InputError(MNIST_UNPAIRED, folder=str(folder))
    return torch.from_numpy(images)[:, None].float() / 255, torch.from_numpy(classes).long()


def read_parted(folder: Path) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Pictures and digits of the training part: those to learn from, and those held back."""
    images, classes = read_digits(folder, "train")
    held_back = torch.arange(len(images)) % HELD_BACK == HELD_BACK // 2
    return (images[~held_back], classes[~held_back]), (images[held_back], classes[held_back])


def _read_idx(path: Path, dimensions: int) -> np.ndarray:
    """An array of bytes in the IDX format: a magic number, the sizes as big-endian 32-bit integers, the values."""
    if not path.is_file():
        raise InputError(MNIST_MISSING, name=path.name, folder=str(path.parent))
    try:
        data = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error):
        raise InputError(MNIST_DAMAGED, path=str(path)) from None
    start = 4 + 4 * dimensions
    shape = tuple(np.frombuffer(data[4:start], ">u4").tolist())
    if data[:4] != bytes((0, 0, 8, dimensions)) or len(data) - start != int(np.prod(shape)):
        raise InputError(NO_IDX, path=str(path), dimensions=dimensions)
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape).copy()
