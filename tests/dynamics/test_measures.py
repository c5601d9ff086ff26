"""Measures against what is known in closed form, and against finite differences."""

import copy
import math
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from recurra import LSTM, Bidirectional, Cell, Recurrent, Stack, from_torch, tree
from recurra.cells import CELLS
from recurra.dynamics import Flow, carried, flow, lyapunov
from recurra.errors import InputError


class H(NamedTuple):
    h: Tensor


class Turn(Cell[H]):
    """h' = M h + x, of which everything is known."""

    def __init__(self, matrix: Tensor) -> None:
        super().__init__(len(matrix), len(matrix))
        self.matrix = nn.Parameter(matrix.double())

    def initial_state(self, batch: Any) -> H:
        return H(self.zeros(batch, self.hidden_size))

    def step(self, u: Tensor, state: H) -> tuple[Tensor, H]:
        h = state.h @ self.matrix.T + u
        return h, H(h)


def numbers(*sizes: int) -> Tensor:
    return torch.randn(*sizes, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def orthogonal(size: int) -> Tensor:
    return torch.linalg.qr(numbers(size, size)).Q


@pytest.mark.parametrize("every", [1, 3, 20])
def test_decays_come_back_to_the_power_of_the_lag(every: int):
    layer = Recurrent(Turn(torch.eye(4) * 0.9))
    found = flow(layer, numbers(3, 20, 4), every=every)
    assert found.lags == sorted({20 - min(k * every, 20) for k in range(-(-20 // every))})
    wanted = torch.tensor([0.9**lag for lag in found.lags]).double().expand(3, -1)
    torch.testing.assert_close(found.gains, wanted)


def test_half_life_and_horizon_of_a_decay():
    found = flow(Recurrent(Turn(torch.eye(4) * 0.9)), numbers(2, 80, 4))
    assert found.half_life == pytest.approx(math.log(0.5) / math.log(0.9))
    assert found.horizon == pytest.approx(math.log(0.01) / math.log(0.9))
    short = flow(Recurrent(Turn(torch.eye(4) * 0.9)), numbers(2, 30, 4))
    assert short.horizon == 30  # at least: the sequence is no longer
    assert Flow([1, 2], torch.tensor([[0.5, 0.0]])).reaches(0.1) == 1.0
    assert Flow([1, 2], torch.tensor([[math.nan, 0.0]])).reaches(0.1) == 0.0


def test_a_rotation_neither_loses_nor_gains():
    layer = Recurrent(Turn(orthogonal(6)))
    found = flow(layer, numbers(2, 50, 6))
    torch.testing.assert_close(found.gains, torch.ones(2, 50, dtype=torch.float64))
    assert found.horizon == 50


@pytest.mark.parametrize("scale", [1.0, 0.8, 1.3])
def test_exponents_of_a_scaled_rotation_are_the_scales_logarithm(scale: float):
    found = lyapunov(Turn(scale * orthogonal(6)), numbers(3, 40, 6), 6)
    assert found.values == pytest.approx([math.log(scale)] * 6, abs=1e-9)
    assert max(found.spread) < 1e-9


def test_exponents_of_decays_are_their_logarithms():
    decays = [0.95, 0.7, 0.5, 0.2]
    found = lyapunov(Turn(torch.diag(torch.tensor(decays))), numbers(2, 400, 4), 3, skip=100)
    assert found.values == pytest.approx([math.log(a) for a in decays[:3]], abs=1e-3)


@pytest.mark.parametrize("kind", CELLS, ids=lambda kind: kind.__name__)
def test_what_comes_back_is_what_finite_differences_say(kind: type[Cell[Any]]):
    torch.manual_seed(0)
    layer = Recurrent(kind(3, 4)).double()
    x = numbers(2, 5, 3)
    states = carried(layer, x, every=2)
    ends, begins = tree.leaves(states[-1]), tree.leaves(states[0])
    v = [numbers(*leaf.shape) for leaf in ends]
    found = torch.autograd.grad(ends, begins, v, allow_unused=True)

    def product(begin: list[Tensor]) -> Tensor:
        with torch.no_grad():
            _, state = layer(x, tree.unflatten(states[0], begin))
        leaves = tree.leaves(state)
        return sum((a * b).flatten(1).sum(1) for a, b in zip(v, leaves, strict=True))

    small = 1e-6
    for place, leaf in enumerate(begins):
        wanted = torch.zeros_like(leaf)
        for index in range(leaf[0].numel()):
            sides = []
            for way in (small, -small):
                moved = [b.detach().clone() for b in begins]
                moved[place].flatten(1)[:, index] += way
                sides.append(product(moved))
            wanted.flatten(1)[:, index] = (sides[0] - sides[1]) / (2 * small)
        gradient = torch.zeros_like(leaf) if found[place] is None else found[place]
        torch.testing.assert_close(gradient, wanted, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("kind", CELLS, ids=lambda kind: kind.__name__)
def test_all_exponents_together_are_the_jacobians_volume(kind: type[Cell[Any]]):
    torch.manual_seed(0)
    cell, x = kind(3, 4).double(), numbers(1, 12, 3)
    state = cell.initial_state(1)
    flat = torch.cat([leaf.flatten() for leaf in tree.leaves(state)])
    sizes = [leaf.numel() for leaf in tree.leaves(state)]

    def step(flat: Tensor, t: int) -> Tensor:
        parts = [
            p.view(leaf.shape)
            for p, leaf in zip(flat.split(sizes), tree.leaves(state), strict=True)
        ]
        _, after = cell(x[:, t], tree.unflatten(state, parts))
        return torch.cat([leaf.flatten() for leaf in tree.leaves(after)])

    size, volume = len(flat), 0.0
    for t in range(12):
        jacobian = torch.autograd.functional.jacobian(lambda s, t=t: step(s, t), flat)
        volume += float(torch.linalg.slogdet(jacobian).logabsdet) / 12
        flat = step(flat, t).detach()
    if math.isfinite(volume):  # det of a product: all exponents together
        assert sum(lyapunov(cell, x, size).values) == pytest.approx(volume, abs=1e-6)


def test_fused_kernels_in_chunks_say_what_the_loop_says():
    torch.manual_seed(0)
    module = nn.LSTM(3, 8, batch_first=True)
    x = torch.randn(4, 60, 3)
    layer = from_torch(module)
    loop = copy.deepcopy(layer)
    loop.engine = "loop"
    for engine in (None, "vendor", "native"):
        layer.engine = engine
        for every in (1, 7):
            one, other = flow(layer, x, every=every), flow(loop, x, every=every)
            torch.testing.assert_close(one.gains, other.gains, rtol=1e-3, atol=1e-7)


def test_nothing_is_changed():
    torch.manual_seed(0)
    layer = Stack(Recurrent(LSTM(3, 4)), Recurrent(LSTM(4, 4)), dropout=0.5).train()
    before = copy.deepcopy(layer.state_dict())
    random = torch.get_rng_state()
    flow(layer, torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(0)))
    assert layer.training
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(before[name], t) for name, t in layer.state_dict().items())
    assert all(parameter.grad is None for parameter in layer.parameters())


def test_no_dropout_is_measured():
    torch.manual_seed(0)
    layer = Stack(Recurrent(LSTM(3, 4)), Recurrent(LSTM(4, 4)), dropout=0.5)
    x = torch.randn(2, 9, 3)
    assert torch.equal(flow(layer.train(), x).gains, flow(layer.eval(), x).gains)


def test_what_cannot_be_measured_is_told():
    two = Bidirectional(Recurrent(LSTM(3, 4)), Recurrent(LSTM(3, 4)))
    with pytest.raises(InputError, match="reads backward"):
        flow(two, torch.randn(2, 5, 3))
    one = Recurrent(LSTM(3, 4))
    for fields in ({"every": 0}, {"probes": 0}):
        with pytest.raises(InputError, match="1 or more"):
            flow(one, torch.randn(2, 5, 3), **fields)
    with pytest.raises(InputError, match="8 numbers"):
        lyapunov(one.cell, torch.randn(2, 5, 3), 9)
    with pytest.raises(InputError, match="5 steps"):
        lyapunov(one.cell, torch.randn(2, 5, 3), skip=5)
