"""Our networks by other engines than the one that runs them, as functions of tensors like the networks themselves."""

import io
import warnings
from collections.abc import Callable, Mapping

import onnxruntime
import torch
from torch import Tensor, nn

Engine = Callable[..., Callable[..., Tensor]]
"""From a network and examples of its inputs to a function of such inputs."""


class AtScale(nn.Module):
    """A network of several scales, at one."""

    def __init__(self, network: nn.Module, scale: int) -> None:
        super().__init__()
        self.network, self.scale = network, scale

    def forward(self, image: Tensor) -> Tensor:
        enlarged: Tensor = self.network(image, self.scale)
        return enlarged


def plain_torch(network: nn.Module, *examples: Tensor) -> Callable[..., Tensor]:
    """Torch as it is before anybody thinks of speed: its own memory layout, whole pictures."""
    return network.to(memory_format=torch.contiguous_format)


def by_onnxruntime(network: nn.Module, *examples: Tensor) -> Callable[..., Tensor]:
    """A network exported and loaded for as many threads as torch has; the first input may have any height and width."""
    graph = io.BytesIO()
    names = ["image", "sigma"][: len(examples)]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter that needs no further package is the old one
        torch.onnx.export(
            network,
            examples,
            graph,  # type: ignore[arg-type]
            dynamo=False,
            input_names=names,
            dynamic_axes={"image": {2: "height", 3: "width"}},
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(graph.getvalue(), options, providers=["CPUExecutionProvider"])

    def apply(*values: Tensor) -> Tensor:
        given = {name: value.numpy() for name, value in zip(names, values, strict=True)}
        return torch.from_numpy(session.run(None, given)[0])

    return apply


ENGINES: Mapping[str, Engine] = {"plain torch": plain_torch, "onnxruntime": by_onnxruntime}
"""Those that do not run it on the site."""
