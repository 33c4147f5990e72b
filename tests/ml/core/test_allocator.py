"""Memory that networks freed."""

import ctypes
import resource

import psutil
import pytest
import torch

from ml.core import allocator
from ml.core.device import torch_device

LAYER = (56, 272, 272)
"""An output of FSRCNN on one of its tiles, 16.6 MB."""


@pytest.mark.slow
@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "mallopt"), reason="only glibc keeps what was freed when told to"
)
def test_a_layer_takes_the_memory_that_another_freed_and_the_system_gets_it_back() -> None:
    torch_device("cpu")
    for _ in range(20):  # alignment moves the first ones on
        torch.ones(LAYER)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(LAYER)
    pages = 4 * torch.Size(LAYER).numel() / resource.getpagesize()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 6 * pages

    several = [torch.ones(LAYER) for _ in range(20)]
    del several
    held = psutil.Process().memory_info().rss
    allocator.return_freed()
    assert held - psutil.Process().memory_info().rss > 200e6
