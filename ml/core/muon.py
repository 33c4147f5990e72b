"""Muon: steps of equal size in every direction of a weight, where Adam's follow the few that dominate."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
ITERATIONS = 5
QUINTIC = (3.4445, -4.7750, 2.0315)
FEWEST_CHANNELS = 16


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal by Newton-Schulz iterations (Jordan et al., "Muon", 2024).

    For the weights of hidden convolutions, (out, in, height, width), each taken as a matrix of ``out`` rows.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float) -> None:
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step down the gradients."""
        for group in self.param_groups:
            for weight in group["params"]:
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                momentum = state["momentum"].lerp_(weight.grad, 1 - MOMENTUM)
                nesterov = weight.grad.lerp(momentum, MOMENTUM).flatten(1)
                rows, columns = nesterov.shape
                size = group["lr"] * max(1, rows / columns) ** 0.5
                weight.add_(orthogonal(nesterov).reshape(weight.shape), alpha=-size)


def orthogonal(matrix: Tensor) -> Tensor:
    """About the nearest matrix whose singular values are all one; they come out between 0.7 and 1.2."""
    first, third, fifth = QUINTIC
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    found = wide / (wide.norm() + 1e-7)
    for _ in range(ITERATIONS):
        square = found @ found.T
        found = first * found + (third * square + fifth * square @ square) @ found
    return found.T if matrix.shape[0] > matrix.shape[1] else found


def hidden_weights(network: nn.Module) -> list[Tensor]:
    """The weights that Muon is made for: of convolutions between many channels and many."""
    return [
        module.weight
        for module in network.modules()
        if isinstance(module, nn.Conv2d) and min(module.weight.shape[:2]) >= FEWEST_CHANNELS
    ]
