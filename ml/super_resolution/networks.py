"""Networks that enlarge the luminance of a picture. All take and give Y in [0, 1]."""

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ml.core.resampling import resize_bicubic
from ml.super_resolution.params import SCALES


class SRCNN(nn.Sequential):
    """SRCNN 9-5-5 with 64 and 32 filters (Dong et al., ECCV 2014; TPAMI 2016): 57 k parameters, one scale.

    Takes (N, 1, H, W) already enlarged by the bicubic and gives the same shape. It starts as the identity,
    which is the bicubic, where the authors' training arrives only after a long way.
    """

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(1, 64, 9, padding=4),
            nn.ReLU(inplace=True),
            nn.Conv2d(64, 32, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 1, 5, padding=2),
        )
        _pass_through(self)


class Deconvolution(nn.Module):
    """A 9x9 transposed convolution of stride ``scale``: (N, C, H, W) to (N, 1, H scale, W scale).

    It is computed as the equal sub-pixel convolution, which is several times as fast.
    """

    index: Tensor

    def __init__(self, channels: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.weight = nn.Parameter(torch.randn(channels, 9, 9) * 0.001)
        self.bias = nn.Parameter(torch.zeros(1))
        # The kernel's centre lies over the middle of the scale x scale pixels that one pixel becomes.
        self.crop = 4 - (scale - 1) // 2
        self.reach = 2 if scale == 2 else 1
        # Output pixel `phase` of pixel i takes weight `crop + phase - scale * offset` of pixel i + offset.
        phase, offset = torch.arange(scale)[:, None], torch.arange(-self.reach, self.reach + 1)
        taps = self.crop + phase - scale * offset
        taps = torch.where((taps >= 0) & (taps < 9), taps, 9)  # 9 is the zero that `kernel` appends
        index = taps[:, None, :, None] * 10 + taps[None, :, None, :]
        self.register_buffer("index", index.reshape(scale**2, 2 * self.reach + 1, -1), persistent=False)

    def kernel(self) -> Tensor:
        """Weights (scale², C, k, k) of the equal sub-pixel convolution."""
        return functional.pad(self.weight, (0, 1, 0, 1)).flatten(1)[:, self.index].transpose(0, 1)

    def forward(self, features: Tensor) -> Tensor:
        bias = self.bias.expand(self.scale**2)
        return functional.pixel_shuffle(
            functional.conv2d(features, self.kernel(), bias, padding=self.reach), self.scale
        )


class FSRCNN(nn.Module):
    """FSRCNN (56, 12, 4) (Dong et al., ECCV 2016): one trunk for all scales and a deconvolution for each.

    12 k weights per scale, as in the paper. Takes (N, 1, H, W) and a scale, gives (N, 1, H scale, W scale).
    """

    def __init__(self, scales: Iterable[int] = SCALES) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(1, 56, 5, padding=2), nn.PReLU(56)]
        layers += [nn.Conv2d(56, 12, 1), nn.PReLU(12)]
        for _ in range(4):
            layers += [nn.Conv2d(12, 12, 3, padding=1), nn.PReLU(12)]
        layers += [nn.Conv2d(12, 56, 1), nn.PReLU(56)]
        self.trunk = nn.Sequential(*layers)
        self.enlarge = nn.ModuleDict({str(scale): Deconvolution(56, scale) for scale in scales})
        _pass_through(self.trunk)
        with torch.no_grad():
            for scale in scales:
                deconvolution = cast(Deconvolution, self.enlarge[str(scale)])
                deconvolution.weight[0] = _interpolation(scale, deconvolution.crop)

    def forward(self, image: Tensor, scale: int) -> Tensor:
        return cast(Tensor, self.enlarge[str(scale)](self.trunk(image)))


class Residual(nn.Module):
    """Two 3x3 convolutions around a ReLU, added to their input: EDSR's block (Lim et al., CVPRW 2017)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        with torch.no_grad():
            self.second.weight *= 0.1

    def forward(self, features: Tensor) -> Tensor:
        # In place: a processor waits for memory here, and this saves a sixth of the time.
        rectified = functional.relu(self.first(features), inplace=True)
        return cast(Tensor, self.second(rectified)).add_(features)


class LatentSR(nn.Module):
    """Our compact network: residual blocks at the small size, a pixel shuffle per scale, a learned skip.

    The skip is a 5x5 sub-pixel convolution, and as the bicubic it starts. Width 48 and depth 5 make 0.22 M
    parameters. Takes (N, 1, H, W) and a scale, gives (N, 1, H scale, W scale).
    """

    def __init__(self, width: int = 48, depth: int = 5, scales: Iterable[int] = SCALES) -> None:
        super().__init__()
        self.head = nn.Conv2d(1, width, 3, padding=1)
        self.body = nn.Sequential(*(Residual(width) for _ in range(depth)))
        self.tail = nn.ModuleDict({str(scale): nn.Conv2d(width, scale**2, 3, padding=1) for scale in scales})
        self.skip = nn.ModuleDict(
            {str(scale): nn.Conv2d(1, scale**2, 5, padding=2, padding_mode="replicate") for scale in scales}
        )
        with torch.no_grad():
            for scale in scales:
                tail, skip = cast(nn.Conv2d, self.tail[str(scale)]), cast(nn.Conv2d, self.skip[str(scale)])
                nn.init.zeros_(tail.weight)
                nn.init.zeros_(cast(Tensor, tail.bias))
                skip.weight.copy_(_bicubic_phases(scale))
                nn.init.zeros_(cast(Tensor, skip.bias))

    def forward(self, image: Tensor, scale: int) -> Tensor:
        features = self.tail[str(scale)](self.body(self.head(image)))
        return functional.pixel_shuffle(features + self.skip[str(scale)](image), scale)


def _pass_through(layers: nn.Sequential) -> None:
    """Initialise (He) and let channel 0 hand the input on unchanged: training starts from its picture."""
    with torch.no_grad():
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, a=0.25)
                nn.init.zeros_(cast(Tensor, layer.bias))
                centre = layer.kernel_size[0] // 2
                layer.weight[0] = 0
                layer.weight[0, 0, centre, centre] = 1
                if layer.out_channels == 1:
                    layer.weight[0, 1:] = torch.randn_like(layer.weight[0, 1:]) * 0.001


def _interpolation(scale: int, crop: int) -> Tensor:
    """A 9x9 deconvolution kernel that interpolates linearly."""
    middle = crop + (scale - 1) / 2
    ramp = (1 - (torch.arange(9) - middle).abs() / scale).clamp(min=0)
    return ramp[:, None] * ramp


def _bicubic_phases(scale: int) -> Tensor:
    """The bicubic as a sub-pixel convolution: (scale², 1, 5, 5)."""
    impulses = torch.eye(121, dtype=torch.float64).reshape(121, 11, 11)
    middle = resize_bicubic(impulses, scale)[:, 5 * scale : 6 * scale, 5 * scale : 6 * scale]
    return middle.reshape(11, 11, scale**2)[3:8, 3:8].permute(2, 0, 1)[:, None].float()
