"""What others have trained or written, for a look at ours beside it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ml.denoise.evaluate import Denoise
from ml.super_resolution.evaluate import Enlarge


class DepthToSpace:
    """The layer of TensorFlow's that OpenCV has in its dnn_superres only, which the wheel leaves out."""

    def __init__(self, params: Mapping[str, Any], blobs: Sequence[np.ndarray[Any, Any]]) -> None:
        self.block = int(params["block_size"])

    def getMemoryShapes(self, inputs: Sequence[Sequence[int]]) -> list[list[int]]:
        count, channels, height, width = inputs[0]
        return [[count, channels // self.block**2, height * self.block, width * self.block]]

    def forward(self, inputs: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        return [functional.pixel_shuffle(torch.from_numpy(inputs[0]), self.block).numpy()]


cv2.dnn_registerLayer("DepthToSpace", DepthToSpace)


def opencv_fsrcnn(graph: Path) -> Enlarge:
    """OpenCV's network on Y, FSRCNN_x3.pb and the like, by OpenCV's engine."""
    network = cv2.dnn.readNetFromTensorflow(str(graph))

    def enlarge(y: Tensor) -> Tensor:
        network.setInput(y[None].numpy())
        return torch.from_numpy(network.forward()[0])

    return enlarge


def opencv_nlm(noisy: Tensor, sigma: float) -> Tensor:
    """OpenCV's own colour mode of non-local means, at its recommended windows and a strength of sigma."""
    pixels = np.ascontiguousarray((noisy.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy())
    strength = 255 * sigma
    cleaned = cv2.fastNlMeansDenoisingColored(pixels, None, strength, strength, 7, 21)
    return torch.from_numpy(cleaned).permute(2, 0, 1) / 255


def dncnn(path: Path) -> Denoise:
    """The authors' colour DnCNN for sigma 25, color_sigma25.mat; it predicts the noise."""
    network = _convolutions(path)
    return lambda noisy, sigma: noisy - network(noisy[None])[0]


def ffdnet(path: Path) -> Denoise:
    """The authors' colour FFDNet, FFDNet_color.mat; it takes the 2x2 sub-images in MATLAB's order, column by column."""
    network = _convolutions(path)

    def denoise(noisy: Tensor, sigma: float) -> Tensor:
        height, width = noisy.shape[1:]
        even = functional.pad(noisy[None], (0, width % 2, 0, height % 2), mode="replicate")
        sub_images = functional.pixel_unshuffle(even.mT, 2).mT
        level = torch.full_like(sub_images[:, :1], sigma)
        restored = functional.pixel_shuffle(network(torch.cat([sub_images, level], 1)).mT, 2).mT
        return restored[0, :, :height, :width]

    return denoise


def _convolutions(path: Path) -> nn.Sequential:
    """The convolutions and ReLUs of a MatConvNet file; its other layers, at the front, are the caller's."""
    layers: list[nn.Module] = []
    with h5py.File(path) as file:
        for (reference,) in file["net"]["layers"]:
            layer = file[reference]
            kind = bytes(layer["type"][:].ravel().astype(np.uint8)).decode()
            if kind == "relu":
                layers.append(nn.ReLU(inplace=True))
            elif kind == "conv":
                kernel, bias = (torch.from_numpy(file[part][:]) for part in layer["weights"][:].ravel())
                convolution = nn.Conv2d(kernel.shape[1], kernel.shape[0], 3, padding=1)
                # HDF5 turns MATLAB's order around: the kernels come transposed.
                convolution.load_state_dict({"weight": kernel.mT, "bias": bias.ravel()})
                layers.append(convolution)
    network = nn.Sequential(*layers).eval().requires_grad_(False)
    return network.to(memory_format=torch.channels_last)


DENOISERS: Mapping[str, tuple[str, Callable[[Path], Denoise], Sequence[int]]] = {
    "the authors' DnCNN, for sigma 25": ("color_sigma25.mat", dncnn, (25,)),
    "the authors' FFDNet": ("FFDNet_color.mat", ffdnet, (15, 25, 50)),
}
"""By what a table calls them: the file in the folder of peers, how to open it, and the levels of noise it knows."""
