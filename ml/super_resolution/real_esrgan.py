"""Real-ESRGAN's two networks, and the reader of the ncnn files that their weights come in.

Wang et al., "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data", ICCVW 2021;
its generator is that of Wang et al., "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks", ECCVW 2018.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

RESIDUAL_SCALE = 0.2
NEGATIVE_SLOPE = 0.2
SCALE = 4
ROWS = 64
REACH = 2
"""Rows beyond a strip that its enlargement sees: 1/2 + 3/4 at the small size."""


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class ResidualDenseBlock(nn.Module):
    """Five convolutions, each of which sees the outputs of all before it."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.grow = nn.ModuleList(_conv(width + step * growth, growth) for step in range(4))
        self.fuse = _conv(width + 4 * growth, width)

    def forward(self, features: Tensor) -> Tensor:
        seen = features
        for conv in self.grow:
            seen = torch.cat([seen, functional.leaky_relu(conv(seen), NEGATIVE_SLOPE, inplace=True)], dim=1)
        return torch.add(features, self.fuse(seen), alpha=RESIDUAL_SCALE)


class ResidualInResidual(nn.Module):
    """Three residual dense blocks with a residual connection around them (RRDB)."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(ResidualDenseBlock(width, growth) for _ in range(3)))

    def forward(self, features: Tensor) -> Tensor:
        return torch.add(features, self.blocks(features), alpha=RESIDUAL_SCALE)


class RRDBNet(nn.Module):
    """RGB (N, 3, H, W) from 0 to 1, to (N, 3, 4H, 4W), not clipped. x4plus has 23 blocks and 16.7 M parameters."""

    def __init__(self, blocks: int = 23, width: int = 64, growth: int = 32) -> None:
        super().__init__()
        self.first = _conv(3, width)
        self.body = nn.Sequential(*(ResidualInResidual(width, growth) for _ in range(blocks)))
        self.after_body = _conv(width, width)
        self.enlarge = nn.ModuleList([_conv(width, width), _conv(width, width)])
        self.refine = _conv(width, width)
        self.last = _conv(width, 3)

    def forward(self, image: Tensor) -> Tensor:
        features = self.first(image)
        features = features + self.after_body(self.body(features))
        height = features.shape[2]
        strips = [self._enlarged(features, top, min(top + ROWS, height)) for top in range(0, height, ROWS)]
        return torch.cat(strips, dim=2)

    def _enlarged(self, features: Tensor, top: int, bottom: int) -> Tensor:
        """The rows from `top` to `bottom`, four times as large: in strips, or they would take most of the memory."""
        first = max(0, top - REACH)
        rows = features[:, :, first : bottom + REACH]
        for conv in self.enlarge:
            rows = functional.interpolate(rows, scale_factor=2, mode="nearest")
            rows = functional.leaky_relu(conv(rows), NEGATIVE_SLOPE, inplace=True)
        rows = functional.leaky_relu(self.refine(rows), NEGATIVE_SLOPE, inplace=True)
        enlarged: Tensor = self.last(rows)
        return enlarged[:, :, SCALE * (top - first) : SCALE * (bottom - first)]


class CompactNet(nn.Module):
    """RGB (N, 3, H, W) from 0 to 1, to (N, 3, 4H, 4W), not clipped: what it adds to the nearest neighbours.

    Called SRVGGNetCompact by its authors. animevideov3 has 16 layers in the middle and 0.62 M parameters.
    """

    def __init__(self, layers: int = 16, width: int = 64) -> None:
        super().__init__()
        body: list[nn.Module] = [_conv(3, width), nn.PReLU(width)]
        for _ in range(layers):
            body += [_conv(width, width), nn.PReLU(width)]
        self.body = nn.Sequential(*body, _conv(width, 3 * SCALE**2), nn.PixelShuffle(SCALE))

    def forward(self, image: Tensor) -> Tensor:
        added: Tensor = self.body(image)
        return added + functional.interpolate(image, scale_factor=SCALE, mode="nearest")


NCNN_MAGIC = "7767517"
HALF_PRECISION_TAG = 0x01306B47
WITHOUT_WEIGHTS = {"Input", "Split", "Concat", "Eltwise", "BinaryOp", "Interp", "PixelShuffle"}


def load_ncnn(network: nn.Module, data: Path) -> None:
    """Fill a network from an ncnn `.bin` file and the `.param` file beside it.

    The convolutions and PReLUs of the network must be those of the file, in its order and of its sizes, and
    every byte must be used; raises ValueError otherwise.
    """
    layers = list(_ncnn_layers(data.with_suffix(".param").read_text("ascii")))
    modules = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.PReLU)]
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
        if kind not in ("Convolution", "PReLU"):
            raise ValueError(f"there is no reader for the ncnn layer {kind}")
        pairs = (pair.split("=") for pair in rest[int(inputs) + int(outputs) :])
        yield kind, {int(number): int(value) for number, value in pairs if "," not in value}


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
