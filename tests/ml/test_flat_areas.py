"""Whatever a picture is, each way of improving it keeps its size, alpha, depth and gray, and the mean of what is flat."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.core.context import Context, Inputs
from ml.core.execution import execute
from ml.core.images import Picture, write_picture
from ml.registry import registry

COLOR = np.array([224, 172, 140])
MODES = {
    "gray": (1, np.uint8),
    "gray and alpha": (2, np.uint8),
    "colour": (3, np.uint8),
    "colour and alpha": (4, np.uint8),
    "gray of 16 bits": (1, np.uint16),
    "colour of 16 bits": (3, np.uint16),
    "colour of 16 bits and alpha": (4, np.uint16),
}
SIZES = [(1, 1), (1, 64), (64, 1), (7, 5), (16, 100), (40, 40)]
"""Width and height."""

SLOW = {"real-esrgan", "scunet", "srcnn", "clear-reality", "span", "nlm", "camera", "jpeg"}
WAYS: dict[str, tuple[str, dict[str, Any], int]] = {
    "transform flip": ("transform", {"action": "flip"}, 1),
    "transform rotate": ("transform", {"action": "rotate", "angle": 180}, 1),
    "transform resize": ("transform", {"action": "resize", "percent": 200}, 2),
    **{
        f"super-resolution {method}": ("super-resolution", {"method": method, "scale": 2}, 2)
        for method in registry().get("super-resolution").methods
        if method != "compare"
    },
    **{
        f"denoise {method}": (
            "denoise", {"method": method} if method in ("camera", "jpeg") else {"method": method, "sigma": 25}, 1,
        )
        for method in registry().get("denoise").methods
        if method != "compare"
    },
}  # fmt: skip


def flat(mode: str, size: tuple[int, int], color: Any = COLOR) -> Picture:
    channels, depth = MODES[mode]
    peak = int(np.iinfo(depth).max)
    values = [*(color if channels > 2 else color[:1]), *([128] if channels in (2, 4) else [])]
    return Picture(
        np.broadcast_to(np.array(values) * (peak // 255), (size[1], size[0], channels)).astype(depth)
    )


def through(way: str, picture: Picture, folder: Path) -> Picture:
    slug, params, _scale = WAYS[way]
    write_picture(picture, folder / "flat.png", "png")
    operation = registry().get(slug)
    result = execute(operation, operation.parse(params), Inputs({"image": [folder / "flat.png"]}), Context())
    return next(iter(result.images.values()))


def cases() -> list[Any]:
    return [
        pytest.param(way, mode, marks=[pytest.mark.slow] if way.split()[-1] in SLOW else [])
        for way in WAYS
        for mode in MODES
    ]


@pytest.mark.sampled(8)
@pytest.mark.parametrize(("way", "mode"), cases())
def test_flat_pictures_of_every_mode_and_size_stay_what_they_are(tmp_path: Path, way: str, mode: str) -> None:
    scale = WAYS[way][2]
    for size in SIZES:
        picture = flat(mode, size)

        result = through(way, picture, tmp_path)

        assert (result.width, result.height) == (scale * size[0], scale * size[1]), size
        assert result.pixels.shape[2] == picture.pixels.shape[2], size
        assert result.pixels.dtype == picture.pixels.dtype, size
        means = [each.pixels.mean(axis=(0, 1)) / (each.peak / 255) for each in (picture, result)]
        assert np.abs(means[0] - means[1]).max() <= 2, size


@pytest.mark.sampled(1)
@pytest.mark.parametrize("color", [(200, 30, 30), (224, 172, 140), (128, 128, 128)])
@pytest.mark.parametrize("sigma", [25, 50])
def test_more_noise_than_there_is_moves_no_colour(
    tmp_path: Path, sigma: float, color: tuple[int, int, int]
) -> None:
    noise = np.random.default_rng(1).normal(0, 10, (128, 128, 3))
    noisy = np.clip(np.rint(np.array(color) + noise), 0, 255).astype(np.uint8)
    write_picture(Picture(noisy), tmp_path / "noisy.png", "png")
    operation = registry().get("denoise")
    params = operation.parse({"method": "dncnn", "sigma": sigma})

    result = execute(operation, params, Inputs({"image": [tmp_path / "noisy.png"]}), Context())

    cleaned = next(iter(result.images.values())).pixels
    assert np.abs(cleaned.mean(axis=(0, 1)) - noisy.mean(axis=(0, 1))).max() <= 1


def test_a_border_of_one_pixel_is_not_dark(tmp_path: Path) -> None:
    result = through("super-resolution real-esrgan-compact", flat("colour", (1, 64)), tmp_path)

    assert np.abs(result.pixels.astype(int) - COLOR).max() <= 6
