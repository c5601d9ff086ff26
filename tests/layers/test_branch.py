"""Several steps from one state: what is shared is computed once, and nothing else changes."""

import copy

import pytest
import torch
from torch import nn

from recurra import tree
from recurra.cells import CELLS, GRU, LSTM, MLSTM, Cell, MinGRU
from recurra.engines.branch import branch
from recurra.errors import EngineRefused, InputError, InputTypeError
from recurra.layers import Bidirectional, Layer, LookAhead, Recurrent, Residual, Stack
from tests.layers.test_layer_laws import LAYERS, away_from_zero, build, close

STATES, BRANCHES = 6, 3


def plain(layer: Layer, x: torch.Tensor, state: object) -> torch.Tensor:
    """As a person would write it: rows and states repeated, one step each."""
    x = x.repeat(STATES // len(x), 1, 1)
    found = []
    for row in range(STATES):
        for number in range(BRANCHES):
            before = tree.map(lambda leaf, row=row: leaf[row : row + 1], state)
            y, _ = layer(x[row : row + 1, number : number + 1], before)
            found.append(y[0, 0])
    return torch.stack(found).view(STATES, BRANCHES, -1)


def results(layer: Layer, way, x: torch.Tensor, state: object) -> list[torch.Tensor]:
    """Return the outputs, and the gradients of x, state and weights."""
    layer.zero_grad()
    x = x.clone().requires_grad_()
    before = tree.map(lambda leaf: leaf.clone().requires_grad_(), state)
    y = way(x, before)
    (y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)).sum().backward()
    grads = [x.grad, *(leaf.grad for leaf in tree.leaves(before))]
    grads += [parameter.grad for parameter in layer.parameters()]
    return [y, *(grad for grad in grads if grad is not None)]


def same(layer: Layer, some: int) -> None:
    x = torch.randn(some, BRANCHES, layer.input_size, dtype=torch.float64)
    state = away_from_zero(layer, STATES)
    close(
        results(layer, layer.branch, x, state),
        results(layer, lambda x, state: plain(layer, x, state), x, state),
    )


@pytest.mark.parametrize("kind", CELLS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("some", [1, 2, STATES])
def test_a_cell_as_if_its_rows_were_repeated(kind: type[Cell], some: int):
    same(build(lambda: Recurrent(kind(2, 4))), some)


STEPS = {name: make for name, make in LAYERS.items() if not make().delay}


@pytest.mark.parametrize("make", STEPS.values(), ids=STEPS.keys())
def test_a_layer_as_if_its_rows_were_repeated(make):
    layer = build(make)
    same(layer, 3 if tree.leaves(layer.initial_state(1)) else STATES)


class Own(GRU):
    """A cell from outside, which may do anything in a step."""

    rows: tuple[int, ...] = ()

    def step(self, u, state):
        Own.rows = (*Own.rows, len(u))
        return super().step(u, state)


def test_a_cell_from_outside_sees_rows_of_its_own():
    Own.rows = ()
    layer = build(lambda: Recurrent(Own(2, 4)))
    with torch.no_grad():
        layer.branch(torch.randn(1, BRANCHES, 2).double(), away_from_zero(layer, STATES))
    assert Own.rows == (STATES * BRANCHES,)


def test_hooks_of_a_cell_run():
    layer = build(lambda: Recurrent(GRU(2, 4)))
    nn.utils.parametrizations.weight_norm(layer.cell, "from_state")
    same(layer, 2)
    layer, seen = build(lambda: Recurrent(GRU(2, 4))), list[int]()
    layer.cell.register_forward_hook(lambda _, x, y: seen.append(len(x[0])))
    with torch.no_grad():
        layer.branch(torch.randn(1, BRANCHES, 2).double(), away_from_zero(layer, STATES))
    assert seen == [STATES * BRANCHES]


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_hooks_of_layers_see_rows_of_their_own(place: int):
    layer = build(lambda: Stack(Recurrent(GRU(2, 4)), Residual(Recurrent(LSTM(4, 4)))))
    part = [layer, layer.layers[0], layer.layers[1], layer.layers[1].layer][place]
    seen: list[tuple[int, ...]] = []
    part.register_forward_hook(lambda _, x, y: seen.append(tuple(x[0].shape[:2])))
    same(layer, 2)
    assert seen[0] == (STATES * BRANCHES, 1)


@pytest.mark.parametrize("name", ["loop", "native"])
def test_an_engine_by_its_name(name: str):
    cell = GRU(2, 4)
    x, state = torch.randn(2, BRANCHES, 2), cell.initial_state(STATES)
    expected = branch(cell, x, state)
    torch.testing.assert_close(branch(cell, x, state, engine=name), expected)
    with pytest.raises(EngineRefused):
        branch(cell, x, state, engine="scan")


def test_dropout_is_drawn_for_each_branch_as_for_rows():
    layer = build(
        lambda: Stack(
            Recurrent(GRU(2, 64), weight_drop=0.5), Recurrent(GRU(64, 3)), dropout=0.5,
            variational=True,
        )
    ).train()  # fmt: skip  # the stack is the point
    x, state = torch.randn(1, BRANCHES, 2).double(), away_from_zero(layer, STATES)
    torch.manual_seed(3)
    found = layer.branch(x, state)
    torch.manual_seed(3)
    close(found, Layer.branch(layer, x, state))
    torch.manual_seed(4)
    assert not torch.allclose(found, layer.branch(x, state))


def test_products_with_the_state_are_made_once():
    layer = Recurrent(GRU(5, 7))
    x, state = torch.randn(2, 9, 5), layer.initial_state(4)
    with torch.no_grad(), torch.profiler.profile(record_shapes=True) as profile:
        layer.branch(x, state)
    events = [event for event in profile.events() if event.name in {"aten::mm", "aten::addmm"}]
    products = [next(size for size in event.input_shapes if len(size) == 2) for event in events]
    assert sorted(products) == [[4, 7], [18, 5]]


def test_no_rows_and_no_branches():
    layer = Recurrent(GRU(2, 4))
    assert layer.branch(torch.zeros(0, 3, 2), layer.initial_state(0)).shape == (0, 3, 4)
    assert layer.branch(torch.zeros(2, 0, 2), layer.initial_state(4)).shape == (4, 0, 4)


@pytest.mark.parametrize(
    "layer",
    [
        LookAhead(3, 2),
        Bidirectional(LSTM(3, 4), LSTM(3, 4)),
        Stack(GRU(3, 4), LookAhead(4, 2)),
        Residual(Stack(GRU(3, 4), LookAhead(4, 1), GRU(4, 3))),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_without_such_a_step_refuse(layer: Layer):
    with pytest.raises(InputError, match="reads backward or lags"):
        layer.branch(torch.zeros(1, 2, 3), layer.initial_state(1))


def test_wrong_rows():
    layer = Recurrent(MinGRU(2, 4))
    with pytest.raises(InputError, match="4 rows of state read x in turn, which has 3"):
        layer.branch(torch.zeros(3, 2, 2), layer.initial_state(4))
    with pytest.raises(InputTypeError, match="the state of MinGRU holds no rows"):
        layer.branch(torch.zeros(3, 2, 2), (None,))
    with pytest.raises(InputError, match="takes"):
        layer.branch(torch.zeros(3, 2, 5), layer.initial_state(3))


def test_the_weights_are_left_as_they_were():
    layer = Recurrent(MLSTM(2, 4))
    before = copy.deepcopy(layer.state_dict())
    layer.branch(torch.randn(1, 2, 2), layer.initial_state(2))
    torch.testing.assert_close(layer.state_dict(), before)
