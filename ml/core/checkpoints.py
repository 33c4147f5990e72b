"""The weights of our own networks, from file to network."""

from pathlib import Path

from safetensors.torch import load_file
from torch import nn


def load_weights(network: nn.Module, path: Path) -> nn.Module:
    """The network, every parameter of it filled from an fp16 safetensors file; they stay fp32.

    What else the file holds, such as scales that this network was built without, is left. Raises RuntimeError
    where a parameter is missing or of another shape.
    """
    wanted = network.state_dict()
    network.load_state_dict(
        {name: tensor.float() for name, tensor in load_file(path).items() if name in wanted}
    )
    return network
