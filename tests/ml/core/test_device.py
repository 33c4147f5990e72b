"""What networks need of the machine."""

from typing import Any

import numpy as np
import pytest
import torch
from skimage import data

from ml.core.context import Context
from ml.core.device import at_half_precision
from ml.core.images import Picture, Pixels
from ml.denoise.run import denoise
from ml.super_resolution.run import enlarge

METHODS = ("latent-sr", "fsrcnn", "srcnn", "real-esrgan-compact", "dncnn")
CAT = Picture(np.ascontiguousarray(data.chelsea()[100:196, 60:204]))


def test_half_precision_is_left_where_a_value_outgrows_it() -> None:
    computed: list[torch.dtype] = []

    def grown(by: float) -> torch.Tensor:
        layer = torch.nn.Conv2d(1, 1, 1, bias=False)
        torch.nn.init.constant_(layer.weight, by)

        def network(batch: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = layer(batch)
            computed.append(found.dtype)
            return found / by

        with torch.inference_mode():
            return at_half_precision(network, torch.full((1, 1, 8, 8), 0.7))

    assert (grown(2).float() - 0.7).abs().max() < 1 / 512
    assert computed == [torch.float16]
    assert torch.allclose(grown(1e6), torch.tensor(0.7))
    assert computed[1:] == [torch.float16, torch.float32]


def restored(method: Any, device: str) -> Pixels:
    context = Context(device=device)
    found = denoise(CAT, "dncnn", 25, context) if method == "dncnn" else enlarge(CAT, method, 2, context)
    return found.pixels.astype(int)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("method", METHODS)
def test_half_precision_changes_no_pixel_by_more_than_two_levels(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_full = restored(method, "cpu")
    monkeypatch.setattr("ml.core.device.HALF_PRECISION_ON", ("cpu",))
    assert 1 <= np.abs(restored(method, "cpu") - at_full).max() <= 2


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("method", METHODS)
def test_a_gpu_gives_what_a_cpu_gives_within_two_levels(method: str) -> None:
    assert np.abs(restored(method, "cuda") - restored(method, "cpu")).max() <= 2
