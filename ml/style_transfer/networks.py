"""Feed-forward style networks: a picture and a style in, the painted picture out, at any size.

Both are Johnson's transformer (2016) with conditional instance normalisation, stored as ONNX graphs whose 8-bit
weights are taken out here; run in floats they take any size, gradients, and any device.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional

STYLES = 26
REACH = 64
"""How far, in pixels, the networks see: a tile with that much around it comes out as if it had no border."""


class StyleNorm(nn.Module):
    """Conditional instance normalisation (Dumoulin et al., 2017): scale and shift belong to the style.

    While `frozen` the statistics of the picture that went through before are used: so tiles of a large picture
    are normalised alike (thumbnail instance normalisation, Chen et al., 2022).
    """

    def __init__(self, channels: int, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.frozen = False
        self.scale = torch.ones(channels)
        self.shift = torch.zeros(channels)
        self.mean = torch.zeros(channels)
        self.variance = torch.ones(channels)

    def forward(self, features: Tensor) -> Tensor:
        if not self.frozen:
            variance, mean = torch.var_mean(features[0].flatten(1), dim=1, correction=0)
            self.mean, self.variance = mean, variance
        scale = self.scale * (self.variance + self.epsilon).rsqrt()
        shift = self.shift - self.mean * scale
        return features.mul_(scale[:, None, None]).add_(shift[:, None, None])


class StyledConvolution(nn.Conv2d):
    """Mirrored borders, a convolution, and its style."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, epsilon: float, stride: int = 1, enlarge: int = 1
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, bias=False)
        self.enlarge = enlarge
        self.norm = StyleNorm(outputs, epsilon)

    def forward(self, features: Tensor) -> Tensor:
        if self.enlarge > 1:
            features = functional.interpolate(features, scale_factor=float(self.enlarge), mode="nearest")
        return self.norm(super().forward(_mirrored(features, self.kernel_size[0])))


class PlainConvolution(nn.Conv2d):
    """Mirrored borders and a convolution."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride)

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(_mirrored(features, self.kernel_size[0]))


class StyleNetwork(nn.Module):
    """RGB (1, 3, H, W) in [0, 1], sides multiples of 4 and at least 16, to the painted picture of that size and range."""

    def __init__(self, contract: list[nn.Module], residuals: int, expand: list[int], epsilon: float) -> None:
        super().__init__()
        wide = 32
        self.contract = nn.ModuleList(contract)
        self.residual = nn.ModuleList(
            nn.ModuleList(StyledConvolution(wide, wide, 3, epsilon) for _ in range(2))
            for _ in range(residuals)
        )
        narrow, narrower = expand
        self.expand = nn.ModuleList(
            [
                StyledConvolution(wide, narrow, 3, epsilon, enlarge=2),
                StyledConvolution(narrow, narrower, 3, epsilon, enlarge=2),
                StyledConvolution(narrower, 3, 9, epsilon),
            ]
        )

    def forward(self, image: Tensor) -> Tensor:
        features = image
        for layer in self.contract:
            features = functional.relu_(layer(features))
        for block in self.residual:
            first, second = block.children()
            features = features + second(functional.relu_(first(features)))
        for layer in self.expand[:-1]:
            features = functional.relu_(layer(features))
        return torch.sigmoid_(self.expand[-1](features))

    def norms(self) -> dict[str, StyleNorm]:
        """By name of the convolution that each follows."""
        return {
            name.removesuffix(".norm"): module
            for name, module in self.named_modules()
            if isinstance(module, StyleNorm)
        }

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Within it the statistics of the last picture are used again."""
        for norm in self.norms().values():
            norm.frozen = True
        try:
            yield
        finally:
            for norm in self.norms().values():
                norm.frozen = False


class MultiStyle(StyleNetwork):
    """26 styles in one network (Dumoulin et al., “A Learned Representation for Artistic Style”, 2017)."""

    def __init__(self, path: Path) -> None:
        epsilon = 1e-5
        contract: list[nn.Module] = [
            StyledConvolution(3, 32, 9, epsilon),
            StyledConvolution(32, 32, 3, epsilon, stride=2),
            StyledConvolution(32, 32, 3, epsilon, stride=2),
        ]
        super().__init__(contract, residuals=6, expand=[8, 4], epsilon=epsilon)
        stored = _constants(path)
        weights = {name: stored.pop(_ours_to_multistyle(name)) for name in self.state_dict()}
        self.load_state_dict(weights)
        self.tables = {
            name: (
                stored.pop(f"{_ours_to_multistyle(name)}.norm.gamma"),
                stored.pop(f"{_ours_to_multistyle(name)}.norm.beta"),
            )
            for name in self.norms()
        }

    def choose(self, style: int) -> None:
        """Paint in one of the `STYLES` from now on."""
        for name, norm in self.norms().items():
            scales, shifts = self.tables[name]
            device = next(self.parameters()).device
            norm.scale, norm.shift = scales[style].to(device), shifts[style].to(device)


class ArbitraryStyle(StyleNetwork):
    """Any style, as a vector (Ghiasi et al., “Exploring the structure of a real-time, arbitrary neural artistic stylization network”, 2017)."""

    def __init__(self, path: Path) -> None:
        contract: list[nn.Module] = [
            PlainConvolution(3, 8, 9),
            PlainConvolution(8, 16, 3, stride=2),
            PlainConvolution(16, 32, 3, stride=2),
        ]
        super().__init__(contract, residuals=5, expand=[16, 8], epsilon=1e-3)
        stored = _constants(path)
        self.load_state_dict({name: stored[_ours_to_magenta(name)] for name in self.state_dict()})
        self.linear = {
            name: tuple(
                (
                    stored[f"{_style_params(name)}/{layer}/weights"][:, :, 0, 0],
                    stored[f"{_style_params(name)}/{layer}/Conv2D_bias"],
                )
                for layer in ("Conv_1", "Conv")
            )
            for name in self.norms()
        }

    def choose(self, style: Tensor) -> None:
        """Paint in the style of that vector (100,) from now on."""
        device = next(self.parameters()).device
        for name, norm in self.norms().items():
            norm.scale, norm.shift = (
                functional.linear(style, weight, bias).to(device) for weight, bias in self.linear[name]
            )


def _mirrored(features: Tensor, kernel: int) -> Tensor:
    return functional.pad(features, [kernel // 2] * 4, mode="reflect")


def _constants(path: Path) -> dict[str, Tensor]:
    """The float constants of an ONNX graph by name, 8-bit ones as the floats they stand for."""
    graph = onnx.load(path).graph
    stored = {item.name: torch.from_numpy(numpy_helper.to_array(item).copy()) for item in graph.initializer}
    constants = {name: tensor for name, tensor in stored.items() if tensor.is_floating_point()}
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and all(name in stored for name in node.input):
            values, scale, zero = (stored[name] for name in node.input)
            scale, zero = (tensor.reshape(-1, *[1] * (values.dim() - 1)) for tensor in (scale, zero))
            constants[node.output[0].removesuffix("_dequant")] = (values.float() - zero) * scale
    return constants


def _ours_to_multistyle(name: str) -> str:
    return name.replace("residual.", "res.").replace(".weight", ".w")


def _ours_to_magenta(name: str) -> str:
    path, _, kind = name.rpartition(".")
    return f"{_magenta_layer(path)}/{'weights' if kind == 'weight' else 'Conv2D_bias'}"


def _style_params(name: str) -> str:
    return f"style_params/{_magenta_layer(name)}/StyleNorm"


def _magenta_layer(path: str) -> str:
    part, *numbers = path.split(".")
    first, *second = (int(number) + 1 for number in numbers)
    match part:
        case "residual":
            return f"transformer/residual/residual{first}/conv{second[0]}"
        case "expand":
            return f"transformer/expand/conv{first}/conv"
    return f"transformer/contract/conv{first}"
