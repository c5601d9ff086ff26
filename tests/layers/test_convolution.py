"""Causal convolutions: their formula, in training too; and that padding reaches nothing."""

import copy

import pytest
import torch
from torch import nn

from recurra.layers import Convolution, LiveNorm, Stack

LENGTHS = torch.tensor([7, 3, 0, 5, 1])


def random(input_size: int, output_size: int, width: int) -> Convolution:
    torch.manual_seed(0)
    layer = Convolution(input_size, output_size, width).double()
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    nn.init.normal_(layer.norm.running_mean)
    nn.init.uniform_(layer.norm.running_var, 0.5, 2)
    return layer


def filtered(layer: Convolution, x: torch.Tensor) -> torch.Tensor:
    """Return Σ_j W_j x_{t−j} of one row, step by step."""
    y = torch.zeros(len(x), layer.output_size, dtype=x.dtype)
    for t in range(len(x)):
        for j in range(min(layer.width, t + 1)):
            y[t] += layer.weight[:, :, layer.width - 1 - j] @ x[t - j]
    return y


@pytest.mark.parametrize("width", [1, 3, 9])
@pytest.mark.parametrize("training", [False, True])
def test_it_is_the_formula_over_live_steps(width: int, training: bool):
    layer = random(2, 4, width).train(training)
    x = torch.randn(5, 7, 2, dtype=torch.float64)
    before = copy.deepcopy(layer.norm)
    rows = [filtered(layer, row[:n]) for row, n in zip(x, LENGTHS.tolist(), strict=True)]
    steps = torch.cat(rows)
    if training:
        mean, variance = steps.mean(0), steps.var(0, unbiased=False)
    else:
        mean, variance = before.running_mean, before.running_var
    wanted = (steps - mean) / (variance + 1e-5).sqrt() * before.weight + before.bias
    beyond = torch.arange(7) >= LENGTHS[:, None]
    y, _ = layer(x.masked_fill(beyond[..., None], torch.nan), lengths=LENGTHS)
    torch.testing.assert_close(y[~beyond], wanted.clamp(min=0))
    assert not y[beyond].any()
    moved = before.running_mean * 0.9 + steps.mean(0) * 0.1 if training else before.running_mean
    torch.testing.assert_close(layer.norm.running_mean, moved)


def test_padding_changes_no_gradient_and_no_statistic_in_training():
    short, long = random(2, 4, 3).train(), random(2, 4, 3).train()
    deep = [Stack(one, Convolution(4, 3, 5).double()).train() for one in (short, long)]
    deep[1].load_state_dict(deep[0].state_dict())
    x = torch.randn(5, 7, 2, dtype=torch.float64)
    padded = torch.cat([x, torch.full((5, 6, 2), torch.nan, dtype=torch.float64)], dim=1)
    for layer, rows in zip(deep, (x, padded), strict=True):
        layer(rows, lengths=LENGTHS)[0].square().sum().backward()
    for one, other in zip(*(layer.parameters() for layer in deep), strict=True):
        torch.testing.assert_close(one.grad, other.grad)
    for one, other in zip(*(layer.buffers() for layer in deep), strict=True):
        torch.testing.assert_close(one, other)


def test_one_live_step_is_normalised_as_in_evaluation_and_none_is_nothing():
    norm = LiveNorm(3).train()
    nn.init.constant_(norm.running_mean, 2.0)
    y = torch.randn(2, 4, 3)
    wanted = (y[0, 0] - 2) / (1 + 1e-5) ** 0.5
    torch.testing.assert_close(norm(y, torch.tensor([1, 0]))[0, 0], wanted)
    assert norm.running_mean.tolist() == [2, 2, 2]
    assert not norm(y, torch.tensor([0, 0])).any()
    layer = random(2, 4, 3).train()
    empty, state = layer(torch.zeros(2, 0, 2, dtype=torch.float64))
    assert empty.shape == (2, 0, 4)
    assert state.held.shape == (2, 2, 2)


def test_without_the_norm_there_is_a_bias():
    torch.manual_seed(0)
    layer = Convolution(2, 3, 4, normed=False).double()
    assert layer.bias is not None
    x = torch.randn(2, 6, 2, dtype=torch.float64)
    y = layer(x)[0]
    for row in range(2):
        wanted = (filtered(layer, x[row]) + layer.bias).clamp(min=0)
        torch.testing.assert_close(y[row], wanted)
    bound = (2 * 4) ** -0.5
    most = float(layer.weight.detach().abs().max())
    assert most <= bound < 1.2 * most


@pytest.mark.parametrize("sizes", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_sizes_are_positive(sizes: tuple[int, int, int]):
    with pytest.raises(ValueError, match="at least 1"):
        Convolution(*sizes)
