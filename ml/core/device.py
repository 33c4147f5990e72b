"""Networks on a processor: which one, its memory, and stopping in the middle. Importing this touches no CUDA."""

import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ml.core import allocator
from ml.core.context import Context
from ml.core.errors import OperationError
from ml.core.images import Pixels
from ml.core.messages import NO_CUDA

if TYPE_CHECKING:
    import torch
    from torch import nn

    Network = TypeVar("Network", bound=nn.Module)

OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "insufficient memory")
"""What CUDA, torch's allocator on the CPU and OpenCV say."""
HALF_PRECISION_ON = ("cuda",)
"""Devices that are faster at it."""


def has_gpu() -> bool:
    """Whether there is an NVIDIA GPU, asked without torch: it takes seconds, and in a parent would poison its children."""
    return Path("/dev/nvidia0").exists()


def default_device() -> str:
    """ "cuda" where there is a GPU that torch can use, else "cpu"."""
    if not has_gpu():
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def torch_device(name: str) -> "torch.device":
    """The device of that name, "cpu" or "cuda", ready to use; on the CPU all cores that this process may use work."""
    import torch

    if name == "cuda" and not torch.cuda.is_available():
        raise OperationError(NO_CUDA)
    allocator.keep_freed()
    torch.set_num_threads(
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    return torch.device(name)


def ready(network: "Network", device: "torch.device") -> "Network":
    """For inference: no gradients, channels last (1.4 to 1.7 times as fast on a CPU), on its device."""
    import torch

    return network.eval().requires_grad_(False).to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def infer(
    network: "Callable[[torch.Tensor], torch.Tensor]",
    values: Pixels,
    device: "torch.device",
    *,
    half: bool = False,
) -> Pixels:
    """Float pixels (h, w, C) through a network that maps (1, C, h, w) to (1, C', h', w'); returns (h', w', C').

    With `half`, which is fine enough for 8 bits, a GPU computes at half precision.
    """
    import torch

    with torch.inference_mode():
        batch = torch.from_numpy(values).permute(2, 0, 1)[None].to(device)
        through = (
            at_half_precision(network, batch) if half and device.type in HALF_PRECISION_ON else network(batch)
        )
        restored: Pixels = through[0].permute(1, 2, 0).float().cpu().numpy()
    return restored


def at_half_precision(
    network: "Callable[[torch.Tensor], torch.Tensor]", batch: "torch.Tensor"
) -> "torch.Tensor":
    """A batch through a network in fp16, or in fp32 where a value outgrew the other, whose largest is 65,504."""
    import torch

    with torch.autocast(batch.device.type, torch.float16):
        found = network(batch)
    return found if torch.isfinite(found).all() else network(batch)


@contextmanager
def each_layer(network: "nn.Module", heard: Callable[[float], None]) -> Iterator[None]:
    """Within it, `heard` is told before each layer of the network which fraction of a pass is done.

    A layer of a tile takes milliseconds, a whole tile half a minute.
    """
    leaves = [module for module in network.modules() if not any(module.children())]
    called = itertools.cycle(index / len(leaves) for index in range(len(leaves)))

    def tell(*_: Any) -> None:
        heard(next(called))

    hooks = [leaf.register_forward_pre_hook(tell) for leaf in leaves]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def cancellable(network: "nn.Module", context: Context) -> AbstractContextManager[None]:
    """Within it, the network asks before each of its layers whether the run must end."""
    return each_layer(network, lambda _: context.check_cancelled())


def cancellable_backward(tensors: "Iterable[torch.Tensor]", context: Context) -> None:
    """On the way back through each of the tensors it is asked whether the run must end.

    A pass back through a network takes twice as long as the pass forward, and its layers are not called in it.
    """
    for tensor in tensors:
        tensor.register_hook(lambda _gradient: context.check_cancelled())


def out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory, of the machine or of the device, did not suffice."""
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in OUT_OF_MEMORY)


def free_memory() -> None:
    """Give back what is cached, so that smaller pieces fit: the device's memory and the machine's."""
    allocator.return_freed()
    if "torch" in sys.modules:
        import torch

        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
