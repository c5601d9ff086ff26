"""The laws of a layer, over every layer and some nestings: cuts, lengths, rows."""

import pytest
import torch
from torch import nn

from recurra import tree
from recurra.cells import GRU, LSTM, Elman, MinGRU
from recurra.layers import (
    AttentionPool,
    Beside,
    Bidirectional,
    Cepstrum,
    Convolution,
    FixedScale,
    FrameStack,
    Layer,
    LogMel,
    LookAhead,
    PlaneConvolution,
    Pointwise,
    Recurrent,
    Residual,
    Running,
    SpecAugment,
    Stack,
    WaveAugment,
)

LAYERS = {
    "recurrent": lambda: Recurrent(LSTM(3, 4)),
    "linear cell": lambda: Recurrent(MinGRU(3, 4)),
    "look-ahead": lambda: LookAhead(3, 2),
    "convolution": lambda: Convolution(3, 4, 4),
    "convolutions": lambda: Stack(Convolution(3, 4, 3), Convolution(4, 2, 1), GRU(2, 4)),
    "beside": lambda: Beside(LSTM(3, 4), Convolution(3, 2, 3)),
    "beside what lags": lambda: Stack(
        Beside(GRU(3, 4), Stack(MinGRU(3, 3), LookAhead(3, 2))), LSTM(7, 2)
    ),
    "residual": lambda: Residual(GRU(3, 3)),
    "residual that lags": lambda: Residual(Stack(GRU(3, 4), LookAhead(4, 2), Elman(4, 3))),
    "stack": lambda: Stack(LSTM(3, 5), MinGRU(5, 2), GRU(2, 4)),
    "stack of residuals": lambda: Stack(
        GRU(3, 4), Residual(LSTM(4, 4)), LookAhead(4, 3), Residual(MinGRU(4, 4)), LookAhead(4, 1)
    ),
    "step by step": lambda: Pointwise(nn.Sequential(nn.Linear(3, 2), nn.Sigmoid()), 3, 2),
    "frames side by side": lambda: FrameStack(Stack(GRU(2, 3), LookAhead(3, 4)), 2),
    "log-mel": lambda: LogMel(1000, 10, 24, 6),
    "log-mel without overlap": lambda: LogMel(1000, 16, 16, 3),
    "cepstrum": lambda: Cepstrum(1000, 10, 35, 6, 4),
    "fixed scale": lambda: FixedScale([0.5, -1.0, 0.0], [2.0, 0.1, 1.0]),
    "convolution without a norm": lambda: Convolution(3, 4, 3, normed=False),
    "convolution of single steps": lambda: Convolution(3, 2, 1),
    "plane": lambda: PlaneConvolution(3, 2, 3, 2),
    "beside a plane": lambda: Beside(LSTM(3, 4), PlaneConvolution(3, 2, 3, 1)),
    "running attention": lambda: Running(AttentionPool(3), 3),
    "sound to states": lambda: Stack(
        WaveAugment(10, noise=0.5, gain=6.0, shift=5, stretch=0.2),
        Cepstrum(1000, 10, 35, 6, 4),
        FixedScale([-3.0, 0.0, 0.1, 1.0], [2.0, 0.5, 1.0, 3.0]),
        SpecAugment(4, 2, 3),
        LSTM(4, 3),
    ),
    "stack in a stack": lambda: Stack(Stack(GRU(3, 4), LookAhead(4, 1)), LSTM(4, 2)),
}
READING_BACKWARD = {
    "bidirectional": lambda: Bidirectional(LSTM(3, 4), GRU(3, 2)),
    "bidirectional of stacks": lambda: Stack(
        LookAhead(3, 2),
        Bidirectional(Stack(GRU(3, 2), Residual(GRU(2, 2))), LSTM(3, 2)),
        MinGRU(4, 3),
    ),
    "frames side by side": lambda: FrameStack(Bidirectional(LSTM(2, 2), GRU(2, 2)), 3),
    "residual around both": lambda: Residual(Bidirectional(LSTM(4, 2), LSTM(4, 2))),
}
TIME = 9
LENGTHS = torch.tensor([9, 4, 0, 1, 6])
CUTS = {
    "halves": [5, 4],
    "single steps": [1] * 9,
    "uneven": [2, 0, 4, 1, 2],
    "longer than lengths": [7, 2],
}


def build(make) -> Layer:
    """Return the layer with random weights all over, in float64."""
    torch.manual_seed(0)
    layer = make().double()
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.4)
    return layer.eval()


def away_from_zero(layer: Layer, batch: int):
    """Return a state that no layer starts in."""
    return tree.map(lambda leaf: torch.randn_like(leaf) / 2, layer.initial_state(batch))


def run(layer: Layer, x, state, lengths):
    """Return outputs and leaves of the last state, and the gradients of x, state and weights."""
    layer.zero_grad()
    x = x.clone().requires_grad_()
    before = tree.map(lambda leaf: leaf.clone().requires_grad_(), state)
    y, after = layer(x, before, lengths=lengths)
    seeds = torch.Generator().manual_seed(1)
    loss = sum(
        (leaf * torch.randn(leaf.shape, generator=seeds, dtype=leaf.dtype)).sum()
        for leaf in [y, *tree.leaves(after)]
    )
    loss.backward()
    gradients = [x.grad, *(leaf.grad for leaf in tree.leaves(before))]
    gradients += [parameter.grad for parameter in layer.parameters()]
    return [y, *tree.leaves(after)], gradients


def close(left, right) -> None:
    torch.testing.assert_close(left, right, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS.keys())
@pytest.mark.parametrize("cuts", CUTS.values(), ids=CUTS.keys())
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "lengths"])
def test_any_cut_of_a_sequence_gives_the_same(make, cuts, lengths):
    layer = build(make)
    assert layer.streams
    x = torch.randn(5, TIME, layer.input_size, dtype=torch.float64)
    state = away_from_zero(layer, 5)
    whole, last = layer(x, state, lengths=lengths)
    pieces, start = [], 0
    for piece in x.split(cuts, dim=1):
        left = None if lengths is None else (lengths - start).clamp(0, piece.shape[1])
        y, state = layer(piece, state, lengths=left)
        pieces.append(y)
        start += piece.shape[1]
    close(torch.cat(pieces, dim=1), whole)
    close(tree.leaves(state), tree.leaves(last))


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS.keys())
def test_no_state_is_the_initial_state(make):
    layer = build(make)
    x = torch.randn(2, TIME, layer.input_size, dtype=torch.float64)
    afresh, last = layer(x)
    given, last_of_given = layer(x, layer.initial_state(2))
    close(afresh, given)
    close(tree.leaves(last), tree.leaves(last_of_given))
    assert type(last) is type(layer.initial_state(2))
    assert tree.names(last) == tree.names(layer.initial_state(2))


EVERY = LAYERS | READING_BACKWARD


@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY.keys())
def test_what_lies_beyond_lengths_changes_nothing(make):
    layer = build(make)
    x = torch.randn(5, TIME, layer.input_size, dtype=torch.float64)
    state = away_from_zero(layer, 5)
    beyond = torch.arange(TIME) >= LENGTHS[:, None]
    poisoned = x.masked_fill(beyond[..., None], torch.nan)
    values, gradients = run(layer, x, state, LENGTHS)
    values_of_poisoned, gradients_of_poisoned = run(layer, poisoned, state, LENGTHS)
    close(values_of_poisoned, values)
    close(gradients_of_poisoned, gradients)
    assert not values[0][beyond].any()
    assert not gradients[0][beyond].any()


@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY.keys())
def test_a_row_is_what_it_is_alone_and_unpadded(make):
    layer = build(make)
    x = torch.randn(5, TIME, layer.input_size, dtype=torch.float64)
    state = away_from_zero(layer, 5)
    y, last = layer(x, state, lengths=LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        own = tree.map(lambda leaf, row=row: leaf[row : row + 1], state)
        alone, own_last = layer(x[row : row + 1, :length], own)
        close(y[row, :length], alone[0])
        for leaf, own_leaf in zip(tree.leaves(last), tree.leaves(own_last), strict=True):
            close(leaf[row], own_leaf[0])


@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY.keys())
def test_the_state_of_a_row_without_steps_passes_through(make):
    layer = build(make)
    state = away_from_zero(layer, 2)
    x = torch.full((2, 3, layer.input_size), torch.nan, dtype=torch.float64)
    y, last = layer(x, state, lengths=torch.tensor([0, 0]))
    assert not y.any()
    close(tree.leaves(last), tree.leaves(state))


@pytest.mark.parametrize("make", READING_BACKWARD.values(), ids=READING_BACKWARD.keys())
def test_what_reads_backward_says_that_it_does_not_stream(make):
    assert not make().streams


@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY.keys())
def test_autocast_keeps_the_layer_running_and_near(make):
    layer = build(make).float()
    x = torch.randn(5, TIME, layer.input_size)
    exact, _ = layer(x, lengths=LENGTHS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, state = layer(x, lengths=LENGTHS)
        again, _ = layer(x, state, lengths=LENGTHS)
    assert again.shape == exact.shape
    torch.testing.assert_close(y.float(), exact, rtol=0.1, atol=0.1)


@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY.keys())
def test_half_precision_stays_half(make):
    layer = build(make).to(torch.bfloat16)
    x = torch.randn(5, TIME, layer.input_size, dtype=torch.bfloat16)
    y, state = layer(x, lengths=LENGTHS)
    assert {leaf.dtype for leaf in [y, *tree.leaves(state)]} == {torch.bfloat16}
