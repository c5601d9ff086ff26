"""What is measured within anybody's model, against plain loops, finite differences and algebra."""

import math

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

import recurra
from recurra import Recurrent, diagnose
from recurra.diagnostics.backward import arrived, carried_back
from recurra.diagnostics.memory import stretches
from recurra.diagnostics.trace import Trace
from tests.dynamics.test_measures import Turn, numbers, orthogonal

from .models import Last, Loop, batch, loss, same

PAIRS = [(nn.RNN, nn.RNNCell), (nn.LSTM, nn.LSTMCell), (nn.GRU, nn.GRUCell)]


@pytest.mark.parametrize(("whole", "step"), PAIRS)
def test_fused_kernels_say_what_the_loop_says(whole, step):
    torch.manual_seed(0)
    rnn, cell = whole(4, 8, batch_first=True).double(), step(4, 8).double()
    same(cell, rnn)
    fused, loop = Last(rnn, 8).double(), Loop(cell, 8).double()
    loop.head.load_state_dict(fused.head.state_dict())
    given = batch(dtype=torch.float64)
    one, other = (diagnose(m, given, loss).layers[0] for m in (fused, loop))
    assert one.lags == other.lags == list(range(1, 13))
    assert one.median == pytest.approx(other.median, rel=1e-9)
    assert one.loss_gradient == pytest.approx(other.loss_gradient, rel=1e-9)
    assert one.exponents == pytest.approx(other.exponents, rel=1e-6)
    assert one.saturated == pytest.approx(other.saturated)
    if other.time_constants is not None:
        assert one.time_constants == pytest.approx(other.time_constants)


@pytest.mark.parametrize(("_", "step"), PAIRS)
def test_what_the_loss_asks_is_what_a_plain_backward_pass_leaves(_, step):
    torch.manual_seed(0)
    model, given = Loop(step(4, 8).double(), 8).double(), batch(dtype=torch.float64)
    found = diagnose(model, given, loss).layers[0]
    model.kept = []
    total = loss(model, given)
    wanted = torch.autograd.grad(total, model.kept)
    norms = torch.stack([g.norm(dim=1) for g in wanted], 1).median(0).values
    assert found.times == list(range(13))
    assert found.loss_gradient[1:] == pytest.approx(norms.tolist(), rel=1e-9)


@pytest.mark.parametrize("every", [1, 5])
@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_what_comes_back_is_what_finite_differences_say(kind, every):
    torch.manual_seed(0)
    rnn = kind(3, 4, batch_first=True).double()
    x = numbers(2, 9, 3)
    trace = Trace(rnn, every)
    with trace:
        rnn(x)
    trace.close()
    sequence = trace.found["model"].sequences[0]
    v = numbers(2, 4)
    began = sequence.states[0]
    found = torch.autograd.grad(sequence.states[-1][0], began, v)

    def product(state):
        hx = tuple(part[None] for part in state)
        with torch.no_grad():
            y, _ = rnn(x, hx if len(hx) > 1 else hx[0])
        return (y[:, -1] * v).sum(1)

    small = 1e-6
    for place, leaf in enumerate(began):
        for index in range(leaf.shape[1]):
            sides = []
            for way in (small, -small):
                moved = [part.detach().clone() for part in began]
                moved[place][:, index] += way
                sides.append(product(moved))
            wanted = (sides[0] - sides[1]) / (2 * small)
            torch.testing.assert_close(found[place][:, index], wanted, atol=1e-8, rtol=1e-5)


MANY = [
    {"num_layers": 2, "bidirectional": True},
    {"bias": False},
    {"num_layers": 2, "batch_first": False},
]


@pytest.mark.parametrize("options", [*MANY, {"proj_size": 3, "bidirectional": True}])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_a_traced_model_answers_as_before(kind, options, packed):
    if kind is nn.GRU and "proj_size" in options:
        pytest.skip("torch.nn.GRU has no projection")
    torch.manual_seed(0)
    rnn = kind(4, 5, **{"batch_first": True, **options}).double()
    x = numbers(3, 6, 4)
    given = pack_padded_sequence(x, torch.tensor([6, 1, 4]), rnn.batch_first, False)
    given = given if packed and rnn.batch_first else x
    for every in (1, 4):
        want, trace = rnn(given), Trace(rnn, every)
        with trace:
            got = rnn(given)
        trace.close()
        for one, other in zip(_tensors(want), _tensors(got), strict=True):
            torch.testing.assert_close(one, other)
        suffixes = {
            name.split("weight_ih_")[1]
            for name in rnn.state_dict()
            if "_ih_" in name and "weight" in name
        }
        assert len(trace.found) == len(suffixes)
        weights = list(rnn.parameters())
        for one, other in zip(
            *(torch.autograd.grad(_tensors(y)[0].sum(), weights) for y in (want, got)), strict=True
        ):
            torch.testing.assert_close(one, other)


def _tensors(found):
    if isinstance(found, torch.Tensor):
        return [found]
    return [t for part in found if part is not None for t in _tensors(part)]


def test_rows_of_a_packed_batch_are_measured_from_their_own_ends():
    rnn, lengths = decaying(), torch.tensor([9, 6, 3])
    x = numbers(3, 9, 3).abs()
    trace = Trace(rnn)
    with trace:
        rnn(pack_padded_sequence(x, lengths, True))
    trace.close()
    found = carried_back(trace.found["model"].sequences[0], 3, 0)
    assert found.lags == list(range(1, 10))
    for row, length in enumerate(lengths.tolist()):
        wanted = torch.tensor([0.8**lag for lag in range(1, length + 1)]).double()
        torch.testing.assert_close(found.gains[row, :length], wanted)
        assert found.gains[row, length:].isnan().all()
    assert found.median == pytest.approx([0.8**lag for lag in found.lags])


@pytest.mark.parametrize("every", [1, 4])
def test_a_diagonal_cell_passes_its_decay_to_the_power_of_the_lag(every):
    layer, x = Recurrent(Turn(torch.eye(4) * 0.9)), numbers(2, 20, 4)
    found = diagnose(layer, x, lambda m, x: m(x)[0].square().mean(), every=every).layers[0]
    assert found.median == pytest.approx([0.9**lag for lag in found.lags])
    assert found.exponents == pytest.approx([math.log(0.9)] * 3)


@pytest.mark.parametrize("scale", [1.0, 0.7, 1.2])
def test_a_scaled_rotation_has_its_scales_logarithm(scale):
    layer, x = Recurrent(Turn(scale * orthogonal(5))), numbers(2, 20, 5)
    found = diagnose(layer, x, lambda m, x: m(x)[0].mean()).layers[0]
    assert found.exponents == pytest.approx([math.log(scale)] * 3, abs=1e-9)
    assert found.median == pytest.approx([scale**lag for lag in found.lags])


def decaying() -> nn.RNN:
    """Return a relu network that is never off, and so linear: every unit keeps 0.8 of itself."""
    rnn = nn.RNN(3, 4, nonlinearity="relu", batch_first=True).double()
    with torch.no_grad():
        rnn.weight_hh_l0.copy_(0.8 * torch.eye(4))
        rnn.weight_ih_l0.abs_()
        rnn.bias_ih_l0.fill_(1.0)
    return rnn


def test_a_linear_relu_network_of_torch_passes_its_decay():
    found = diagnose(decaying(), numbers(2, 15, 3).abs(), lambda m, x: m(x)[0].sum()).layers[0]
    assert found.median == pytest.approx([0.8**lag for lag in found.lags])
    assert found.half_life == pytest.approx(math.log(0.5) / math.log(0.8))
    assert found.horizon == 15
    assert found.saturated == {"off": 0.0}


def test_layers_of_recurra_are_measured_as_those_of_torch():
    torch.manual_seed(0)
    rnn = nn.LSTM(4, 8, num_layers=2, bidirectional=True, batch_first=True)
    ours = recurra.from_torch(rnn)
    given = batch()[0]
    both = [diagnose(m, given, lambda m, x: m(x)[0].square().mean()) for m in (rnn, ours)]
    for one, other in zip(*(report.layers for report in both), strict=True):
        assert one.median == pytest.approx(other.median, rel=1e-3, abs=1e-7)
        assert one.loss_gradient == pytest.approx(other.loss_gradient, rel=1e-3, abs=1e-7)
        assert one.saturated == pytest.approx(other.saturated)
        assert one.time_constants == pytest.approx(other.time_constants, rel=1e-4)
    assert both[0].memory.losses == pytest.approx(both[1].memory.losses, rel=1e-4)


def test_a_layer_called_step_by_step_is_one_sequence():
    class Stepping(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru, self.head = nn.GRU(4, 8, batch_first=True), nn.Linear(8, 2)

        def forward(self, x):
            h = None
            for t in range(x.shape[1]):
                y, h = self.gru(x[:, t : t + 1], h)
            return self.head(y[:, 0])

    torch.manual_seed(0)
    model, given = Stepping(), batch()
    whole = Last(model.gru, 8)
    whole.head = model.head
    one, other = diagnose(model, given, loss), diagnose(whole, given, loss)
    assert (one.layers[0].calls, one.layers[0].steps) == (12, 12)
    assert one.layers[0].median == pytest.approx(other.layers[0].median, rel=1e-4)
    assert one.memory.losses == pytest.approx(other.memory.losses, rel=1e-4)


def test_gradients_of_weights_are_the_models_own():
    torch.manual_seed(0)
    model, given = Last(nn.LSTM(4, 8, 2, batch_first=True), 8), batch()
    trace = Trace(model)
    with trace:
        total = loss(model, given)
    trace.close()
    sequences = [s for found in trace.found.values() for s in found.sequences]
    _, found, _ = arrived(total, sequences, model)
    wanted = torch.autograd.grad(loss(model, given), list(model.parameters()))
    for one, other in zip(found.values(), wanted, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)
    report = diagnose(model, given, loss, learning_rate=0.1, clip=0.0)
    whole = torch.stack([g.double().square().sum() for g in wanted]).sum().sqrt()
    assert report.gradient_norm == pytest.approx(float(whole), rel=1e-4)
    assert report.clipped is None
    assert diagnose(model, given, loss, clip=report.gradient_norm * 2).clipped == 0.0
    assert diagnose(model, given, loss, clip=report.gradient_norm / 2).clipped == 1.0
    own = [n for n, _ in model.named_parameters() if n.endswith("_l0")]
    gradient = sum(float(found[n].square().sum()) for n in own)
    size = sum(float(model.get_parameter(n).detach().square().sum()) for n in own)
    assert report["rnn.l0"].update == pytest.approx(0.1 * math.sqrt(gradient / size), rel=1e-4)


def test_a_cut_context_is_a_shorter_sequence():
    torch.manual_seed(0)
    model, (x, y) = Last(nn.LSTM(4, 8, batch_first=True), 8), batch(steps=11)
    memory = diagnose(model, (x, y), loss).memory
    assert memory.steps == [1, 2, 4, 8, 11]
    wanted = [float(loss(model, (x[:, -k:], y))) for k in memory.steps]
    assert memory.losses == pytest.approx(wanted, rel=1e-5)


def test_stretches_are_counted_back_from_each_rows_end():
    rows, starts, sizes = stretches(torch.tensor([7, 3]), 0, torch.tensor([7, 3]), 3)
    assert list(zip(*(part.tolist() for part in (rows, starts, sizes)), strict=True)) == [
        (0, 0, 1),
        (0, 1, 3),
        (0, 4, 3),
        (1, 0, 3),
    ]
