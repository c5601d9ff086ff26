"""The scale at which the measured exponent is 0."""

import copy
import math

import pytest
import torch
from torch import nn

from recurra import init
from recurra.cells import GRU, LRU, LSTM, Elman, IndRNN
from recurra.dynamics import lyapunov
from recurra.errors import InputError
from recurra.layers import Bidirectional, Recurrent, Stack, from_torch
from tests.dynamics.test_measures import Turn, orthogonal


class Scaled(Turn):
    """A `Turn` whose matrix is called as the weights of recurra are."""

    def __init__(self, matrix):
        super().__init__(matrix)
        self.from_state = self.matrix


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def heard_by(layer, x):
    """Return what each `Recurrent` reads."""
    found = []
    for part in layer.modules():
        if isinstance(part, Recurrent):
            part.register_forward_pre_hook(lambda part, given: found.append((part.cell, given[0])))
    with torch.no_grad():
        layer(x)
    return found


@pytest.mark.parametrize("scale", [0.2, 1.0, 3.0])
def test_of_a_scaled_rotation_the_scale_is_known(scale):
    cell = Scaled(scale * orthogonal(5))
    found = init.critical(cell, torch.randn(2, 12, 5).double(), tolerance=1e-5)
    assert found[""] == pytest.approx(1 / scale, rel=1e-4)
    torch.testing.assert_close(
        cell.matrix @ cell.matrix.T, torch.eye(5).double(), atol=1e-4, rtol=0
    )


def test_every_part_of_a_stack_is_critical_on_what_reaches_it():
    layer = Stack(Bidirectional(Elman(3, 12), Elman(3, 12)), LSTM(24, 8), dropout=0.5).train()
    x = torch.randn(4, 40, 3)
    before, start = torch.random.get_rng_state(), copy.deepcopy(layer)
    scales = init.critical(layer, x, tolerance=0.02)
    assert torch.equal(before, torch.random.get_rng_state())
    calm = copy.deepcopy(start).eval()
    assert init.critical(calm, x, tolerance=0.02) == scales  # dropout is no part of it
    assert layer.training
    assert all(part.training for part in layer.modules())
    assert list(scales) == [
        "layers.0.forward_layer.cell",
        "layers.0.backward_layer.cell",
        "layers.1.cell",
    ]
    parts = heard_by(layer.eval(), x)
    assert len(parts) == 3
    for cell, heard in parts:
        assert abs(lyapunov(cell, heard).values[0]) <= 0.02


def test_torch_modules_are_critical_too():
    model = nn.Sequential(nn.Linear(2, 3), nn.RNN(3, 10, 2, bidirectional=True))
    x = torch.randn(30, 3, 2)  # time first
    biases = {name: w.clone() for name, w in model.named_parameters() if "weight_hh" not in name}
    init.critical(model, x, tolerance=0.02)
    parts = heard_by(from_torch(model[1]), model[0](x).transpose(0, 1).detach())
    assert len(parts) == 4
    for cell, heard in parts:
        assert abs(lyapunov(cell, heard).values[0]) <= 0.02
    now = dict(model.named_parameters())
    assert all(torch.equal(now[name], weight) for name, weight in biases.items())


def test_a_loop_over_a_cell_is_heard_step_by_step():
    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = nn.GRUCell(3, 6)

        def forward(self, x):
            h = None
            for step in x.unbind(1):
                h = self.cell(2 * step, h)
            return h

    model, x = Loop(), torch.randn(3, 25, 3)
    init.critical(model, x, tolerance=0.02, skip=5)
    like = GRU(3, 6)
    with torch.no_grad():
        like.from_input.copy_(model.cell.weight_ih)
        like.from_state.copy_(model.cell.weight_hh)
        like.bias.copy_(model.cell.bias_ih + model.cell.bias_hh)
        like.bias[12:] = model.cell.bias_ih[12:]
        like.state_bias.copy_(model.cell.bias_hh[12:])
    assert abs(lyapunov(like, 2 * x, skip=5).values[0]) <= 0.02


def test_where_no_scale_is_critical_the_weights_stay():
    layer = Stack(Elman(3, 6), IndRNN(6, 4))
    with torch.no_grad():
        layer.layers[1].cell.bias.fill_(-100)  # it never wakes
    before = [weight.clone() for weight in layer.parameters()]
    with pytest.raises(
        InputError, match=r"critical: layers.1.cell has the exponent -inf.*no scale"
    ):
        init.critical(layer, torch.randn(2, 20, 3))
    assert all(map(torch.equal, before, layer.parameters()))


def test_what_cannot_be_measured_is_refused():
    x = torch.randn(2, 9, 3)
    with pytest.raises(InputError, match="LRU has no recurrent weight"):
        init.critical(LRU(3, 4), x)
    with pytest.raises(InputError, match="no recurrent cell"):
        init.critical(nn.Linear(3, 3), x)
    with pytest.raises(InputError, match="tolerance is 0"):
        init.critical(Elman(3, 4), x, tolerance=0.0)
    with pytest.raises(InputError, match="was given NoneType"):
        init.critical(Elman(3, 4))
    with pytest.raises(InputError, match="not rows of steps"):
        init.critical(Elman(3, 4), x[:, :0])
    with pytest.raises(InputError, match="skip 9"):
        init.critical(Elman(3, 4), x, skip=9)


def test_a_jump_past_zero_is_told():
    # relu at a constant pull: dead, or growing
    cell = Elman(1, 1, nonlinearity="relu")
    with torch.no_grad():
        cell.from_input.fill_(1.0)
    found = init.critical(cell, torch.ones(1, 50, 1), tolerance=1e-3)
    assert math.isclose(found[""] * 0.99, 1, abs_tol=2e-3)
