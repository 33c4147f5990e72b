"""The reader of ncnn's files, in which the weights of others come."""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

NCNN_MAGIC = "7767517"
HALF_PRECISION_TAG = 0x01306B47
WITH_WEIGHTS = {"Convolution", "PReLU", "MemoryData"}
WITHOUT_WEIGHTS = {
    *("Input", "Split", "Concat", "Eltwise", "BinaryOp", "Interp", "PixelShuffle", "Swish", "Sigmoid")
}


class Memory(nn.Module):
    """A value for each channel, (1, channels, 1, 1), that ncnn keeps as a layer without an input."""

    values: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("values", torch.zeros(1, channels, 1, 1))

    def forward(self) -> Tensor:
        return self.values


def load_ncnn(network: nn.Module, data: Path) -> None:
    """Fill a network from an ncnn `.bin` file and the `.param` file beside it.

    The convolutions, PReLUs and memories of the network must be those of the file, in its order and of its sizes, and
    every byte must be used; raises ValueError otherwise.
    """
    layers = list(_ncnn_layers(data.with_suffix(".param").read_text("ascii")))
    modules = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.PReLU | Memory)]
    stream = _Stream(data.read_bytes())
    for (kind, sizes), module in zip(layers, modules, strict=True):
        if isinstance(module, nn.Conv2d) and kind == "Convolution":
            if sizes[0] != module.out_channels or sizes[6] != module.weight.numel():
                raise ValueError(
                    f"{data.name}: a convolution of {sizes[6]} weights for {tuple(module.weight.shape)}"
                )
            _fill(module.weight, stream.tagged(module.weight.numel()))
            assert module.bias is not None
            _fill(module.bias, stream.floats(module.bias.numel()))
        elif isinstance(module, nn.PReLU) and kind == "PReLU" and sizes[0] == module.num_parameters:
            _fill(module.weight, stream.floats(module.num_parameters))
        elif (
            isinstance(module, Memory) and kind == "MemoryData" and _channels(sizes) == module.values.numel()
        ):
            _fill(module.values, stream.floats(module.values.numel()))
        else:
            raise ValueError(f"{data.name}: {kind} {sizes} for {module}")
    if stream.left:
        raise ValueError(f"{data.name}: {stream.left} bytes left over")


def _ncnn_layers(text: str) -> Iterator[tuple[str, dict[int, int]]]:
    """The layers that have weights: their type, and their integer parameters by number."""
    magic, _, *lines = text.splitlines()
    if magic.strip() != NCNN_MAGIC:
        raise ValueError("this is no ncnn file")
    for line in lines:
        kind, _, inputs, outputs, *rest = line.split()
        if kind in WITHOUT_WEIGHTS:
            continue
        if kind not in WITH_WEIGHTS:
            raise ValueError(f"there is no reader for the ncnn layer {kind}")
        pairs = (pair.split("=") for pair in rest[int(inputs) + int(outputs) :])
        yield kind, {int(number): int(value) for number, value in pairs if "," not in value}


def _channels(sizes: dict[int, int]) -> int | None:
    """Of a memory that is one pixel wide and high; None for others."""
    return sizes.get(2) if (sizes.get(0), sizes.get(1)) == (1, 1) else None


class _Stream:
    """The numbers of a `.bin` file, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)

    @property
    def left(self) -> int:
        return len(self._data)

    def tagged(self, count: int) -> Tensor:
        """Half-precision numbers behind their tag, padded to four bytes."""
        (tag,) = struct.unpack("<I", self._take(4))
        if tag != HALF_PRECISION_TAG:
            raise ValueError(f"the weights have the unknown tag {tag:#010x}")
        halves = self._take((2 * count + 3) // 4 * 4)
        return torch.from_numpy(np.frombuffer(halves, "<f2", count).astype(np.float32))

    def floats(self, count: int) -> Tensor:
        return torch.from_numpy(np.frombuffer(self._take(4 * count), "<f4").astype(np.float32))

    def _take(self, size: int) -> memoryview:
        if size > len(self._data):
            raise ValueError("the weights are cut short")
        taken, self._data = self._data[:size], self._data[size:]
        return taken


def _fill(parameter: Tensor, values: Tensor) -> None:
    with torch.no_grad():
        parameter.copy_(values.reshape(parameter.shape))
