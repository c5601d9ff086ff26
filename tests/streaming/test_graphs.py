"""Streams whose steps are recorded; a tape stands for the graph of CUDA."""

import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from recurra import tree
from recurra.cells import GRU, LSTM, Cell
from recurra.engines.graph.recorder import taped
from recurra.engines.native import library
from recurra.layers import LookAhead, Stack
from recurra.streaming import Stream, parts, stream
from recurra.streaming.graph import GraphSteps
from tests.streaming import test_streaming
from tests.streaming.test_streaming import TIME, close, prepared, whole

NAMES = ["LSTM", "MLSTM", "Stack-within", "Residual-LookAhead"]


@pytest.fixture(autouse=True)
def _taped(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave nothing to the library, as on a GPU."""
    monkeypatch.setattr(library, "_find", lambda: None)
    for module in (parts, stream):
        monkeypatch.setattr(module, "plan", lambda layer: ([], "it is elsewhere"))
    with taped():
        yield


@pytest.mark.parametrize("rows", [1, 3, 13])
@pytest.mark.parametrize("name", NAMES)
def test_a_stream_is_the_sequence(name: str, rows: int) -> None:
    layer = prepared(name)
    x = torch.randn(rows, TIME, 5)
    expected, last = whole(layer, x)
    steps = Stream(layer, rows)
    assert (steps.engine, steps.reason) == ("graph", "it is elsewhere")
    for t in range(TIME):
        close(steps.step(x[:, t]), expected[:, t])
    for got, want in zip(tree.leaves(steps.state), tree.leaves(last), strict=True):
        close(got, want)


@pytest.mark.parametrize("name", NAMES)
def test_rows_join_and_leave(name: str) -> None:
    test_streaming.test_rows_join_and_leave(name)


def test_a_row_not_named_stays_and_no_row_is_no_step() -> None:
    layer, x = prepared("LSTM"), torch.randn(5, TIME, 5)
    steps = Stream(layer, 5)
    assert steps.step(x[:0, 0], rows=[]).shape == (0, 7)
    some, out = [3, 0, 4], torch.empty(3, 7)
    for t in range(TIME):
        assert steps.step(x[some, t], rows=some, out=out) is out
        close(out, whole(layer, x[some])[0][:, t])
    assert all(float(leaf.abs().sum()) == 0 for leaf in tree.leaves(steps.read([1, 2])))


def test_recordings_are_for_powers_of_two() -> None:
    steps = Stream(prepared("LSTM"), 0, capacity=6)
    for _ in range(6):
        steps.join()
        steps.step(torch.randn(len(steps.rows), 5))
    inner: Any = steps._steps
    assert isinstance(inner, GraphSteps)
    assert sorted(inner._recordings) == [1, 2, 4, 8]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_goes_on_by_itself(copied: Any) -> None:
    torch.manual_seed(0)
    steps, x = Stream(Stack(LSTM(2, 4), LookAhead(4, 2)), 3, capacity=5), torch.randn(6, 3, 2)
    for frame in x[:3]:
        steps.step(frame)
    other, state = copied(steps), steps.state
    expected = [steps.step(frame).clone() for frame in x[3:]]
    torch.testing.assert_close(other.state, state, rtol=0, atol=0)
    for frame, y in zip(x[3:], expected, strict=True):
        torch.testing.assert_close(other.step(frame), y, rtol=0, atol=0)
    other.step(x[0])
    assert not torch.equal(tree.leaves(other.state)[0], tree.leaves(steps.state)[0])


def test_outputs_and_states_are_the_callers_own() -> None:
    steps, x = Stream(prepared("LSTM"), 2), torch.randn(2, 2, 5)
    first, state = steps.step(x[0]), steps.state
    kept = first.clone(), tree.map(torch.clone, state)
    steps.step(x[1])
    torch.testing.assert_close((first, state), kept, rtol=0, atol=0)


def test_refreshed_weights_are_recorded() -> None:
    layer, x = prepared("LSTM"), torch.randn(2, 5)
    steps = Stream(layer, 2)
    before = steps.step(x)
    with torch.no_grad():
        layer.cell.from_input.mul_(2)
    steps.reset()
    torch.testing.assert_close(steps.step(x), before, rtol=0, atol=0)
    steps.refresh()
    steps.reset()
    close(steps.step(x), whole(layer, x[:, None])[0][:, 0])


class Waits(GRU):
    """Looks at its numbers."""

    def step(self, u: Tensor, state: Any) -> tuple[Tensor, Any]:
        return super().step(u if u.sum() > 0 else u + 0, state)


class Counted(NamedTuple):
    count: Tensor


class Counts(Cell[Counted]):
    """Begins from ones."""

    def __init__(self) -> None:
        super().__init__(5, 5)
        self.scale = torch.nn.Parameter(torch.ones(5))

    def initial_state(self, batch: int) -> Counted:
        return Counted(self.zeros(batch, 5) + 1)

    def step(self, u: Tensor, state: Counted) -> tuple[Tensor, Counted]:
        return state.count * self.scale, Counted(state.count + 1)


def test_what_cannot_be_recorded_is_stepped_and_told() -> None:
    torch.manual_seed(0)
    layer, x = Waits(5, 7), torch.randn(2, 5)
    steps = Stream(layer, 2)
    assert steps.engine == "loop"
    assert str(steps.reason).startswith("it is elsewhere; and its step waits for numbers")
    close(steps.step(x), whole(steps.layer, x[:, None])[0][:, 0])


def test_recording_moves_no_row() -> None:
    steps = Stream(Counts(), 3)
    for t in range(1, 4):
        assert steps.step(torch.zeros(3, 5)).tolist() == [[float(t)] * 5] * 3
    assert steps.step(torch.zeros(1, 5), rows=[1]).tolist() == [[4.0] * 5]
