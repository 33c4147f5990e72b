import pytest
import torch
from torch import nn

from ml.core.muon import Muon, hidden_weights, orthogonal


@pytest.mark.parametrize("shape", [(16, 144), (48, 432), (144, 16)])
def test_every_direction_of_a_step_has_about_the_same_size(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    sizes = torch.linalg.svdvals(orthogonal(matrix))
    assert 0.5 < sizes.min() <= sizes.max() < 1.3


def test_a_step_goes_down_and_does_not_depend_on_the_size_of_the_gradient():
    def stepped(size):
        torch.manual_seed(0)
        layer = nn.Conv2d(16, 16, 3)
        before = layer.weight.detach().clone()
        target = torch.ones_like(layer.weight)
        optimiser = Muon([layer.weight], lr=0.1)
        (size * (layer.weight - target).square().sum()).backward()
        optimiser.step()
        assert (layer.weight - target).norm() < (before - target).norm()
        return layer.weight.detach() - before

    torch.testing.assert_close(stepped(1.0), stepped(1000.0), rtol=1e-3, atol=1e-5)


def test_it_takes_the_hidden_convolutions_only():
    first, hidden, last = nn.Conv2d(3, 32, 3), nn.Conv2d(32, 32, 3), nn.Conv2d(32, 3, 3)
    assert hidden_weights(nn.Sequential(first, hidden, nn.PReLU(), last)) == [hidden.weight]
