"""Streams that the layer itself steps: in evaluation, by class and engine, state by rows."""

import pytest
import torch
from torch import Tensor

from recurra.cells import GRU, LRU, LSTM, IndRNN
from recurra.layers import Layer, LookAhead, Recurrent, Stack
from recurra.streaming import Stream


class Doubled(Recurrent):
    """A layer of a user's that differs from what it derives from."""

    def forward(
        self, x: Tensor, state: object = None, *, lengths: Tensor | None = None
    ) -> tuple[Tensor, object]:
        y, state = super().forward(x, state, lengths=lengths)
        return 2 * y, state


def agrees(layer: Layer) -> Stream:
    """Step a layer that is in training, and compare with what it gives in evaluation."""
    x = torch.randn(2, 6, layer.input_size)
    stream = Stream(layer.train(), 2)
    steps = torch.stack([stream.step(frame) for frame in x.unbind(1)], 1)
    with torch.no_grad():
        torch.testing.assert_close(steps, layer.eval()(x)[0], rtol=1e-5, atol=1e-5)
    return stream


def test_nothing_is_dropped_in_a_stream() -> None:
    torch.manual_seed(0)
    assert agrees(Stack(LRU(5, 6), GRU(6, 6), LookAhead(6, 1), dropout=0.5)).engine == "parts"
    assert agrees(Stack(GRU(5, 6), GRU(6, 6), dropout=0.5)).engine == "native"
    assert agrees(Stack(LRU(5, 6), LRU(6, 6), dropout=0.5)).engine == "loop"


def test_a_derived_layer_is_stepped_as_itself() -> None:
    torch.manual_seed(0)
    assert agrees(Doubled(LSTM(5, 6))).engine == "loop"


@pytest.mark.parametrize("engine", ["loop", "vendor"])
def test_any_engine_asked_for_by_name_steps(engine: str) -> None:
    stream = agrees(Recurrent(LSTM(5, 6), engine=engine))
    assert stream.reason == f"a layer asks for the engine {engine}"


def test_some_rows_of_a_state_are_read_and_are_a_copy() -> None:
    torch.manual_seed(0)
    stream = Stream(Recurrent(LRU(5, 7)), 3)
    stream.step(torch.randn(3, 5))
    whole, some = stream.state, stream.read([2, 0])
    assert torch.equal(some.re, whole.re[[2, 0]])
    assert torch.equal(some.im, whole.im[[2, 0]])
    whole.re.zero_()
    some.re.zero_()
    assert float(stream.state.re.abs().min()) > 0


def test_indrnn_is_held_to_its_bound() -> None:
    torch.manual_seed(0)
    cell = IndRNN(3, 4, time_scale=5.0)
    cell.from_state.data = torch.tensor([3.0, -3.0, 0.5, 1.2])
    assert agrees(Recurrent(cell)).engine == "native"
