"""What is set, in which models, and that nothing else is."""

import math

import pytest
import torch
from torch import nn
from torch.nn.utils import prune
from torch.nn.utils.parametrizations import orthogonal as parametrized

from recurra import init
from recurra.cells import CELLS, GRU, LRU, LSTM, MLSTM, RGLRU, SLSTM, Elman, IndRNN, MinGRU, MinLSTM
from recurra.errors import InputError, InputTypeError
from recurra.layers import Bidirectional, Recurrent, Residual, Stack
from tests.cells.test_initialisation import is_orthogonal, kept

GATED = [LSTM, GRU, IndRNN, SLSTM, MinGRU, MinLSTM, RGLRU, MLSTM]
TORCH = [nn.RNN, nn.LSTM, nn.GRU, nn.RNNCell, nn.LSTMCell, nn.GRUCell]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def names(kinds):
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.__name__)


def state_weights(module):
    return [weight for name, weight in module.named_parameters() if "weight_hh" in name]


def changed(model, act):
    """Return the names of the parameters that a call changes."""
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    act(model)
    return {name for name, weight in model.named_parameters() if not weight.equal(before[name])}


@names([Elman, LSTM, GRU, SLSTM])
def test_orthogonal_sets_each_square_matrix_and_nothing_else(kind):
    cell = kind(3, 8)
    nn.init.normal_(cell.from_state)
    assert changed(cell, lambda cell: init.orthogonal(cell, 0.5)) == {"from_state"}
    for block in (
        cell.from_state.detach()
        .view(-1, cell.from_state.shape[-1])
        .split(cell.from_state.shape[-1])
    ):
        assert is_orthogonal(2 * block)
    assert all(weight.grad is None and weight.requires_grad for weight in cell.parameters())


@names(TORCH)
def test_orthogonal_of_torch(kind):
    module = kind(3, 8)
    wanted = {name for name, _ in module.named_parameters() if "weight_hh" in name}
    assert changed(module, init.orthogonal) == wanted
    assert all(is_orthogonal(block) for w in state_weights(module) for block in w.detach().split(8))


def test_all_depths_and_directions_anywhere_in_a_model_are_set():
    rnn = nn.LSTM(3, 4, 2, bidirectional=True, dtype=torch.float64)
    model = nn.ModuleDict({"a": nn.Sequential(nn.Linear(2, 3), nn.GRUCell(3, 4)), "b": rnn})
    assert init.orthogonal(model) == ["a.1", "b_l0", "b_l0_reverse", "b_l1", "b_l1_reverse"]
    assert all(is_orthogonal(b.float()) for w in state_weights(rnn) for b in w.detach().split(4))
    ours = Stack(Bidirectional(GRU(3, 4), LSTM(3, 4)), Residual(Recurrent(Elman(8, 8))))
    layers = ["layers.0.forward_layer", "layers.0.backward_layer", "layers.1.layer"]
    assert init.orthogonal(ours) == [f"{name}.cell" for name in layers]
    assert init.orthogonal(nn.GRU(2, 3)) == ["l0"]
    assert init.orthogonal(nn.GRUCell(2, 3)) == [""]


@names([Elman, IndRNN])
def test_identity_repeats_the_state_without_bias(kind):
    cell = kind(3, 8)
    nn.init.normal_(cell.bias)
    assert changed(cell, init.identity) == {"from_state", "bias"}
    state = type(cell.initial_state(2))(torch.rand(2, 8))
    wanted = torch.tanh(state.h) if kind is Elman else state.h
    torch.testing.assert_close(cell(torch.zeros(2, 3), state)[0], wanted)
    init.identity(cell, 0.5)
    assert cell.from_state.detach().sum() == 4


def test_identity_of_torch_is_the_irnn():
    module = nn.RNN(3, 8, 2, nonlinearity="relu", batch_first=True)
    changes = changed(module, init.identity)
    assert changes == {name for name, _ in module.named_parameters() if "weight_ih" not in name}
    h = torch.rand(2, 2, 8)
    with torch.no_grad():
        module.weight_ih_l1.zero_()
        _, after = module(torch.zeros(2, 9, 3), h)
    torch.testing.assert_close(after, h)


@names(GATED)
def test_chrono_is_that_of_the_cells_time_scale(kind):
    many = {"heads": 40} if kind is MLSTM else {}
    cell, like = kind(3, 400, **many), kind(3, 400, time_scale=50.0, **many)
    assert init.chrono(cell, 50.0) == [""]
    scales = 1 / (1 - kept(cell, 400))
    assert 1.9 < scales.min() < 6
    assert 40 < scales.max() < 50.1
    for a, b in zip(cell.parameters(), like.parameters(), strict=True):
        assert a.shape == b.shape
    if kind is LSTM:
        i, f, _, _ = cell.bias.chunk(4)
        assert torch.equal(i, -f)


@names(GATED)
def test_unit_forget_bias_keeps_three_quarters(kind):
    cell = kind(3, 8, time_scale=50.0)
    init.unit_forget_bias(cell)
    torch.testing.assert_close(kept(cell, 8), torch.sigmoid(torch.ones_like(kept(cell, 8))))
    init.unit_forget_bias(cell, 2.0)
    torch.testing.assert_close(kept(cell, 8), torch.sigmoid(2 * torch.ones_like(kept(cell, 8))))
    if kind in (LSTM, MLSTM):
        gates = cell.bias.chunk(4)[0] if kind is LSTM else cell.bias[-8:-4]
        assert not gates.any()


@names([nn.LSTM, nn.GRU, nn.LSTMCell, nn.GRUCell])
def test_gates_of_torch_are_the_sum_of_two_biases(kind):
    module = kind(3, 40)
    end = "" if "Cell" in kind.__name__ else "_l0"
    gate = slice(40, 80)  # i, f, g, o and r, z, n
    both = [getattr(module, f"bias_{part}{end}") for part in ("ih", "hh")]
    rest = both[0].detach()[80:] + both[1].detach()[80:]
    candidate = [bias.detach()[80:].clone() for bias in both]
    init.unit_forget_bias(module)
    torch.testing.assert_close((both[0] + both[1])[gate], torch.ones(40))
    torch.testing.assert_close((both[0] + both[1])[80:], rest)
    if "GRU" in kind.__name__:  # that of the candidate's state stays apart
        assert torch.equal(both[1][80:], candidate[1])
    init.chrono(module, 100.0)
    b = (both[0] + both[1]).detach()[gate]
    assert b.min() >= 0
    assert math.log(50) < b.max() <= math.log(99)


@pytest.mark.parametrize("size", [1, 7, 8])
@pytest.mark.parametrize("kind", [Elman, nn.RNN, nn.RNNCell], ids=lambda kind: kind.__name__)
def test_ring_of_a_matrix(kind, size):
    module = kind(3, size)
    init.ring(module, 0.5, 0.8, 0.1)
    weight = module.from_state if kind is Elman else state_weights(module)[0]
    values = torch.linalg.eigvals(weight.detach())
    assert 0.5 - 1e-4 < values.abs().min() <= values.abs().max() < 0.8 + 1e-4
    assert values.angle().abs().max() < 0.1 + 1e-3
    assert size == 1 or values.angle().abs().max() > 0
    torch.testing.assert_close(weight @ weight.T, weight.T @ weight)  # normal


def test_ring_of_a_large_matrix_is_even_by_area():
    cell = Elman(2, 400)
    init.ring(cell, 0.2, 0.9)
    values = torch.linalg.eigvals(cell.from_state.detach())
    assert abs(float((values.abs() ** 2).mean()) - (0.04 + 0.81) / 2) < 0.04
    assert abs(float(values.real.mean())) < 0.06


@names([LRU, MinGRU, MinLSTM, RGLRU, MLSTM])
def test_ring_of_linear_cells(kind):
    cell = kind(3, 400, **({"heads": 40} if kind is MLSTM else {}))
    init.ring(cell, 0.5, 0.8, 0.1)
    radius = torch.exp(-cell.nu.exp()) if kind is LRU else kept(cell, 400)
    assert 0.5 - 1e-4 < radius.min() < 0.55
    assert 0.75 < radius.max() < 0.8 + 1e-4
    if kind is LRU:
        assert 0.09 < cell.theta.exp().max() <= 0.1 + 1e-4
        torch.testing.assert_close(cell.gamma.exp() ** 2, 1 - radius**2, rtol=1e-4, atol=1e-5)


CASES = [
    (init.orthogonal, IndRNN(2, 3), "no square matrix"),
    (init.orthogonal, LRU(2, 3), "LRU has no recurrent weight `from_state`"),
    (init.identity, GRU(2, 3), "GRU is no simple recurrent network"),
    (init.identity, nn.LSTM(2, 3), "l0: LSTM is no simple"),
    (init.ring, LSTM(2, 3), "no simple recurrent network"),
    (init.ring, IndRNN(2, 3), "no square matrix"),
    (lambda m: init.chrono(m, 9.0), Elman(2, 3), "Elman has no forget gate"),
    (lambda m: init.chrono(m, 9.0), nn.LSTM(2, 3, bias=False), "l0: it was made without biases"),
    (init.unit_forget_bias, LRU(2, 3), "LRU has no forget gate"),
    (init.unit_forget_bias, nn.Linear(2, 3), "it holds no recurrent cell"),
]


@pytest.mark.parametrize(("act", "model", "why"), CASES, ids=[case[2] for case in CASES])
def test_what_has_nothing_to_set_is_refused(act, model, why):
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    with pytest.raises(InputError, match="has nothing to set: .*" + why):
        act(model)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


def test_weights_that_others_make_are_refused():
    for make in (
        lambda module: prune.l1_unstructured(module, "weight_hh_l0", 0.5),
        lambda module: parametrized(module, "weight_hh_l0"),
    ):
        module = nn.RNN(2, 4)
        make(module)
        with pytest.raises(InputError, match="its weights are made of others"):
            init.identity(module)


@pytest.mark.unchecked("annotations would refuse first")
def test_wrong_values_are_refused_before_anything_is_set():
    model = LSTM(2, 3)
    for act in (
        lambda: init.chrono(model, 1.9),
        lambda: init.chrono(model, math.nan),
        lambda: init.orthogonal(model, 0),
        lambda: init.orthogonal(model, math.inf),
        lambda: init.orthogonal(model, "2"),
        lambda: init.unit_forget_bias(model, math.nan),
        lambda: init.identity(model, -1),
        lambda: init.ring(MinGRU(2, 3), 0.9, 0.8),
        lambda: init.ring(MinGRU(2, 3), "a"),
    ):
        before = model.bias.detach().clone()
        with pytest.raises(InputError):
            act()
        assert torch.equal(model.bias, before)
    with pytest.raises(InputTypeError, match=r"takes a torch.nn.Module; got a int"):
        init.orthogonal(3)
    with pytest.raises(InputError, match="the LSTM: proj_size is 2"):
        init.orthogonal(nn.LSTM(2, 3, proj_size=2))


@names(CELLS)
def test_every_cell_takes_one_of_them(kind):
    assert init.ring(kind(2, 4)) if kind in (Elman, LRU) else init.chrono(kind(2, 4), 9.0)


def test_torch_modules_draw_nothing_more_than_they_need():
    module = nn.LSTM(3, 4)
    torch.manual_seed(1)
    init.unit_forget_bias(module)
    after = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(after, torch.rand(1))
