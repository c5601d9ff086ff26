import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from recurra.cells import GRU, LSTM, Elman, MinGRU
from recurra.engines import PREFERENCE, unroll
from recurra.errors import EngineRefused, InputError, RecurraError
from recurra.layers import Recurrent, Stack


def test_it_is_the_cell_unrolled():
    torch.manual_seed(0)
    cell = LSTM(3, 5)
    x, lengths = torch.randn(2, 7, 3), torch.tensor([7, 3])
    y, state = Recurrent(cell)(x, lengths=lengths)
    expected, expected_state = unroll(cell, x, lengths=lengths)
    torch.testing.assert_close((y, *state), (expected, *expected_state))
    assert (Recurrent(cell).input_size, Recurrent(cell).output_size) == (3, 5)


def test_an_engine_asked_for_by_name_is_used_or_refused():
    x = torch.randn(1, 2, 3)
    with pytest.raises(RecurraError, match="unknown engine 'lop'"):
        Recurrent(GRU(3, 2), engine="lop")(x)
    refusing = [engine for engine in PREFERENCE if engine.refuse(MinGRU(3, 2), x)]
    for engine in refusing:
        with pytest.raises(EngineRefused, match=engine.name):
            Recurrent(MinGRU(3, 2), engine=engine.name)(x)


def test_weights_keep_their_names():
    names = dict(Recurrent(GRU(3, 2), weight_drop=0.5).named_parameters())
    assert list(names) == ["cell.from_input", "cell.from_state", "cell.bias", "cell.state_bias"]


class Watched(Elman):
    """An `Elman` that keeps the recurrent weights its steps saw."""

    def step(self, u, state):
        self.__dict__.setdefault("seen", []).append(self.from_state)
        return super().step(u, state)


def test_one_mask_serves_all_steps_of_a_call_and_the_next_call_has_another():
    torch.manual_seed(0)
    layer = Recurrent(Watched(3, 20), engine="loop", weight_drop=0.5).train()
    whole = layer.cell.from_state
    layer(torch.randn(2, 6, 3))
    first = layer.cell.seen[:]
    layer(torch.randn(2, 6, 3))
    second = layer.cell.seen[6:]
    assert len(first) == len(second) == 6
    assert len({id(weight) for weight in first}) == 1
    assert not torch.equal(first[0], second[0])
    kept = first[0] != 0
    torch.testing.assert_close(first[0][kept], 2 * whole[kept])
    assert layer.cell.from_state is whole  # the cell has its own weight back
    assert isinstance(layer.cell.from_state, nn.Parameter)


def test_the_share_that_is_dropped_is_the_share_asked_for():
    torch.manual_seed(0)
    layer = Recurrent(Elman(2, 200), weight_drop=0.3).train()
    x = torch.randn(1, 4, 2)
    layer(x)[0].sum().backward()
    gradient = layer.cell.from_state.grad
    assert (gradient == 0).float().mean() == pytest.approx(0.3, abs=0.01)
    assert (layer.cell.from_input.grad != 0).all()


def test_the_weight_is_right_on_average():
    torch.manual_seed(0)
    layer = Recurrent(Watched(1, 4), engine="loop", weight_drop=0.4).train()
    for _ in range(1000):
        layer(torch.zeros(1, 1, 1))
    mean = torch.stack(layer.cell.seen).mean(dim=0)
    torch.testing.assert_close(mean, layer.cell.from_state, atol=0.08, rtol=0)


def test_evaluation_is_exact():
    torch.manual_seed(0)
    cell = LSTM(3, 5)
    x = torch.randn(2, 7, 3)
    y, _ = Recurrent(cell, weight_drop=0.9).eval()(x)
    torch.testing.assert_close(y, unroll(cell, x)[0], rtol=0, atol=0)


@pytest.mark.parametrize("engine", PREFERENCE, ids=lambda engine: engine.name)
@pytest.mark.parametrize("kind", [Elman, LSTM, GRU], ids=lambda kind: kind.__name__)
def test_every_engine_sees_the_dropped_weight(engine, kind):
    torch.manual_seed(0)
    cell = kind(3, 6)
    x = torch.randn(2, 7, 3)
    reason = engine.refuse(cell, x)
    if reason:
        pytest.skip(reason)
    results = []
    for name in ["loop", engine.name]:
        torch.manual_seed(5)
        cell.zero_grad()
        y, state = Recurrent(cell, engine=name, weight_drop=0.5).train()(
            x, lengths=torch.tensor([7, 2])
        )
        (y.square().sum() + state.h.sum()).backward()
        results.append([y, state.h, cell.from_state.grad, cell.from_input.grad])
    torch.testing.assert_close(results[1], results[0], rtol=1e-4, atol=1e-5)
    assert (results[0][2] == 0).any()


def test_weight_drop_inside_a_stack_trains():
    torch.manual_seed(0)
    stack = Stack(Recurrent(GRU(3, 8), weight_drop=0.5), Recurrent(GRU(8, 4), weight_drop=0.5))
    stack.train()(torch.randn(2, 5, 3))[0].sum().backward()
    assert all(parameter.grad is not None for parameter in stack.parameters())


def test_a_cell_without_recurrent_weight_has_nothing_to_drop():
    with pytest.raises(ValueError, match=r"MinGRU has no recurrent weight `from_state`"):
        Recurrent(MinGRU(3, 2), weight_drop=0.1)
    Recurrent(MinGRU(3, 2))


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_a_rate_is_a_rate(rate):
    with pytest.raises(ValueError, match=r"weight_drop is .*at least 0 and below 1"):
        Recurrent(GRU(3, 2), weight_drop=rate)


def test_it_shows_what_was_chosen():
    text = repr(Recurrent(GRU(3, 2), engine="loop", weight_drop=0.25))
    assert "engine='loop', weight_drop=0.25" in text


def test_the_engine_asked_for_runs_the_dropped_weight_too(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def watched(cell, x, state=None, *, lengths=None, engine=None):
        asked.append(engine)
        return unroll(cell, x, state, lengths=lengths, engine=engine)

    monkeypatch.setattr("recurra.layers.recurrent.unroll", watched)
    layer = Recurrent(LSTM(3, 4), engine="vendor", weight_drop=0.5)
    layer(torch.randn(2, 3, 3))
    layer.eval()(torch.randn(2, 3, 3))
    assert asked == ["vendor", "vendor"]


def test_a_weight_made_of_others_is_not_dropped():
    layer = Recurrent(GRU(3, 2), weight_drop=0.5)
    prune.l1_unstructured(layer.cell, "from_state", amount=0.5)
    x = torch.randn(1, 2, 3)
    with pytest.raises(InputError, match="`from_state` of GRU is made of other weights"):
        layer(x)
    assert layer.eval()(x)[0].shape == (1, 2, 2)
