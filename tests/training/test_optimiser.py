import math

import pytest
import torch
from torch import nn

from recurra.training.optimiser import adamw, learning_rate
from tests.training.tiny import recipe


class Mixed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.ones(2, 2))
        self.bias = nn.Parameter(torch.ones(2))
        self.scale = nn.Parameter(torch.ones(()))
        self.norm = nn.LayerNorm(2)
        self.frozen = nn.Parameter(torch.ones(2, 2), requires_grad=False)


def test_only_matrices_decay():
    network = Mixed()
    optimiser = adamw(network, recipe(weight_decay=0.5, learning_rate=0.1))
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimiser.step()
    assert torch.allclose(network.matrix, torch.full((2, 2), 0.95))
    for kept in (network.bias, network.scale, network.norm.weight, network.frozen):
        assert torch.equal(kept, torch.ones_like(kept))


def test_fused_where_it_works():
    assert adamw(Mixed(), recipe()).defaults["fused"]
    assert not adamw(Mixed(), recipe(precision="16-mixed")).defaults["fused"]
    network = nn.ParameterList([nn.Parameter(torch.ones(2, dtype=torch.complex64))])
    optimiser = adamw(network, recipe())
    network[0].grad = torch.ones(2, dtype=torch.complex64)
    optimiser.step()
    assert network[0].detach().real.max() < 1


@pytest.mark.parametrize(
    ("schedule", "share", "factor", "expected"),
    [
        pytest.param("cosine", 0.05, 1.0, 0.5, id="half of the warm-up"),
        pytest.param("cosine", 0.1, 1.0, 1.0, id="peak"),
        pytest.param("cosine", 0.55, 1.0, 0.5, id="half of the cosine"),
        pytest.param("cosine", 1.0, 1.0, 0.0, id="end"),
        pytest.param("cosine", 1.7, 1.0, 0.0, id="after the end"),
        pytest.param("plateau", 0.9, 0.25, 0.25, id="plateau"),
        pytest.param("constant", 0.9, 1.0, 1.0, id="constant"),
        pytest.param("constant", 0.01, 1.0, 0.1, id="constant, warm-up"),
    ],
)
def test_learning_rate(schedule, share, factor, expected):
    chosen = recipe(schedule=schedule, warmup=0.1, learning_rate=3.0)
    assert math.isclose(learning_rate(chosen, share, factor), 3 * expected, abs_tol=1e-12)


def test_without_warmup_it_begins_at_the_peak():
    assert learning_rate(recipe(warmup=0.0, learning_rate=3.0), 0.0) == 3.0
