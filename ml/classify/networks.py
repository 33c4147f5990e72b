"""EfficientNet-Lite0 with its batch norms folded into the convolutions, and a small network to train from scratch."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from ml.classify import FEATURES

STRIDE = 32
"""Pixels of the picture to one of the last feature map; a picture's sides are multiples of it."""

EPSILON = 1e-3  # of the authors' batch norms

# Expansion, kernel, stride, channels, repeats: EfficientNet-B0's stages without squeeze-and-excitation.
STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)


def normalised(pixels: Tensor) -> Tensor:
    """RGB in [0, 1] as Lite0 takes it: (x - 127) / 128 of the 8-bit values, as in the authors' builder."""
    return pixels * (255 / 128) - 127 / 128


class Convolution(nn.Conv2d):
    """With TensorFlow's SAME padding, which has its odd pixel at the right and the bottom.

    For sides that the stride divides; that is all of them where a picture's sides are multiples of `STRIDE`.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups)
        before = (kernel - stride) // 2
        self.margins = (before, kernel - stride - before) * 2 if kernel > 1 else (0, 0, 0, 0)

    def forward(self, image: Tensor) -> Tensor:
        return super().forward(functional.pad(image, self.margins))


class Block(nn.Module):
    """An inverted residual (Sandler et al., MobileNetV2, 2018)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand_conv = Convolution(inputs, inner, 1) if expansion > 1 else None
        self.depthwise_conv = Convolution(inner, inner, kernel, stride, groups=inner)
        self.project_conv = Convolution(inner, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def expanded(self, features: Tensor) -> Tensor:
        """Before the clipping of ReLU6, so that a gradient comes back from everywhere."""
        return features if self.expand_conv is None else self.expand_conv(features)

    def contracted(self, expanded: Tensor, features: Tensor) -> Tensor:
        inner = functional.relu6(expanded) if self.expand_conv is not None else expanded
        projected: Tensor = self.project_conv(functional.relu6(self.depthwise_conv(inner)))
        return projected + features if self.residual else projected

    def forward(self, features: Tensor) -> Tensor:
        return self.contracted(self.expanded(features), features)


class Lite0(nn.Module):
    """EfficientNet-Lite0 (Tan and Le, 2019; tensorflow/tpu: models/official/efficientnet/lite).

    Takes `normalised` RGB (N, 3, H, W), sides multiples of `STRIDE`; gives logits (N, classes).
    """

    SIZE = 224
    """Side in pixels of the pictures that it was trained on."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv_stem = Convolution(3, 32, 3, 2)
        channels, blocks = 32, []
        for expansion, kernel, stride, outputs, repeats in STAGES:
            for repeat in range(repeats):
                blocks.append(Block(channels, outputs, kernel, stride if repeat == 0 else 1, expansion))
                channels = outputs
        self.blocks = nn.ModuleList(blocks)
        self.conv_head = Convolution(channels, FEATURES, 1)
        self.fc = nn.Linear(FEATURES, classes)

    def features(self, image: Tensor) -> Tensor:
        """The last feature map (N, 1280, H / 32, W / 32)."""
        return functional.relu6(self.conv_head(self.before(image, len(self.blocks))))

    def before(self, image: Tensor, block: int) -> Tensor:
        """What a block is given."""
        features = functional.relu6(self.conv_stem(image))
        for earlier in self.blocks[:block]:
            features = earlier(features)
        return features

    def forward(self, image: Tensor) -> Tensor:
        return self.fc(self.features(image).mean(dim=(2, 3)))

    def expansions(self, image: Tensor) -> Iterator[Tensor]:
        """What each block that expands (1 to 15) makes of the picture, before ReLU6, in order.

        Lazy: the network runs as far as somebody asks.
        """
        features = functional.relu6(self.conv_stem(image))
        for block in cast("Iterable[Block]", self.blocks):
            expanded = block.expanded(features)
            if block.expand_conv is not None:
                yield expanded
            features = block.contracted(expanded, features)


class Tail(nn.Module):
    """Lite0's last block, head and classifier under Lite0's names: what is trained for other classes.

    Takes what the blocks before make of a picture, (N, 192, h, w); gives logits (N, classes).
    """

    FIRST = 15

    def __init__(self, lite0: Lite0, classes: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleDict({str(self.FIRST): lite0.blocks[self.FIRST]})
        self.conv_head = lite0.conv_head
        self.fc = nn.Linear(FEATURES, classes)

    def forward(self, features: Tensor) -> Tensor:
        features = functional.relu6(self.conv_head(self.blocks[str(self.FIRST)](features)))
        return self.fc(features.mean(dim=(2, 3)))


CHANNELS = (24, 48, 96, 192)
FEWER_CHANNELS = (8, 16, 32, 64)
"""Of the convolutions of `SmallCNN`, with a ninth of the parameters."""


class SmallCNN(nn.Module):
    """Convolutions and pooling from nothing, in the manner of Chollet's cats-and-dogs network (2016).

    Smaller and with batch norms and a mean instead of a dense layer; the first convolution halves width and height,
    so that a CPU can train it. Takes `normalised` RGB (N, 3, 112, 112); gives logits (N, classes).
    """

    SIZE = 112
    """Side in pixels of the pictures that it was trained on."""

    def __init__(self, channels: Sequence[int] = CHANNELS, dropout: float = 0.0, classes: int = 2) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for stage, (inputs, outputs) in enumerate(zip((3, *channels[:-1]), channels, strict=True)):
            if stage == 0:
                layers.append(nn.Conv2d(inputs, outputs, 5, stride=2, padding=2, bias=False))
            else:
                layers += [nn.MaxPool2d(2), nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)]
            layers += [nn.BatchNorm2d(outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(channels[-1], classes)

    def features(self, image: Tensor) -> Tensor:
        """The last feature map, a sixteenth as wide and high."""
        return self.layers(image)

    def forward(self, image: Tensor) -> Tensor:
        return self.fc(self.dropout(self.features(image).mean(dim=(2, 3))))


def load_lite0(path: Path) -> Lite0:
    """From the package's checkpoint, every batch norm folded into its convolution and every tensor used.

    Raises KeyError or RuntimeError for a file of another network.
    """
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    stored = {re.sub(r"(^|\.)_", r"\1", name): tensor for name, tensor in checkpoint.items()}
    stored = {name: tensor for name, tensor in stored.items() if not name.endswith("num_batches_tracked")}
    network = Lite0()
    folded = {name: stored.pop(name) for name in ("fc.weight", "fc.bias")}
    for name, module in network.named_modules():
        if isinstance(module, Convolution):
            folded |= _folded(stored, name)
    if stored:
        raise KeyError(f"{path.name} holds what EfficientNet-Lite0 does not have: {', '.join(stored)}")
    network.load_state_dict(folded)
    return network


def load_tail(network: Lite0, path: Path) -> Lite0:
    """Lite0 with its last layers, or its classifier alone, from a safetensors file; returns the network."""
    tail = {name: tensor.float() for name, tensor in load_file(path).items()}
    network.fc = nn.Linear(FEATURES, len(tail["fc.bias"]))
    network.load_state_dict(network.state_dict() | tail)
    return network


def _folded(stored: dict[str, Tensor], convolution: str) -> dict[str, Tensor]:
    norm = _norm_after(convolution)
    scale = stored.pop(f"{norm}.weight") / (stored.pop(f"{norm}.running_var") + EPSILON).sqrt()
    bias = stored.pop(f"{norm}.bias") - stored.pop(f"{norm}.running_mean") * scale
    weight = stored.pop(f"{convolution}.weight") * scale[:, None, None, None]
    return {f"{convolution}.weight": weight, f"{convolution}.bias": bias}


def _norm_after(convolution: str) -> str:
    block, _, layer = convolution.rpartition(".")
    number = {"conv_stem": 0, "conv_head": 1, "expand_conv": 0, "depthwise_conv": 1, "project_conv": 2}[layer]
    return f"{block}.bn{number}" if block else f"bn{number}"
