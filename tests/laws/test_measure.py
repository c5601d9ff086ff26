"""What the laws compare: an engine that is wrong in one thing only is found out."""

from typing import Any

import pytest
import torch
from torch import Tensor

from recurra import tree
from recurra.cells import CELLS, GRU, Cell
from recurra.engines import unroll
from recurra.testing import laws, measure

CELL = GRU(3, 5)


@pytest.mark.parametrize("wrong", [torch.nan, torch.inf, 1e-3])
def test_one_wrong_number_is_enough(wrong: float) -> None:
    want = torch.ones(2, 3, dtype=torch.float64)
    got = want.clone()
    measure.close("it", got, want, want.dtype)
    got[1, 2] += wrong
    with pytest.raises(AssertionError, match="it: off by"):
        measure.close("it", got, want, want.dtype)


def test_an_engine_with_half_of_the_gradient_breaks_a_law(monkeypatch: pytest.MonkeyPatch) -> None:
    def halved(cell: Any, x: Any, state: Any, *, lengths: Any = None, engine: Any = None) -> Any:
        y, last = unroll(cell, x, state, lengths=lengths, engine=engine)
        return (y if engine == "loop" else (y + y.detach()) / 2), last

    laws.law_engine_equals_loop(CELL, "vendor", torch.float64)
    monkeypatch.setattr(measure, "unroll", halved)
    with pytest.raises(AssertionError, match="gradient of"):
        laws.law_engine_equals_loop(CELL, "vendor", torch.float64)


def test_padding_that_is_multiplied_by_0_breaks_a_law(monkeypatch: pytest.MonkeyPatch) -> None:
    def leaking(
        cell: Any, x: Tensor, state: Any, *, lengths: Any = None, engine: Any = None
    ) -> Any:
        y, last = unroll(cell, x, state, lengths=lengths, engine=engine)
        return y + 0 * x.sum((1, 2))[:, None, None], last

    laws.law_nothing_beyond_lengths(CELL, "loop", torch.float64)
    monkeypatch.setattr(measure, "unroll", leaking)
    with pytest.raises(AssertionError):
        laws.law_nothing_beyond_lengths(CELL, "loop", torch.float64)


def test_rows_that_are_multiplied_by_0_break_a_law(monkeypatch: pytest.MonkeyPatch) -> None:
    def mixing(cell: Any, x: Tensor, state: Any, *, lengths: Any = None, engine: Any = None) -> Any:
        y, last = unroll(cell, x, state, lengths=lengths, engine=engine)
        return y + 0 * x.sum(), last

    laws.law_rows_do_not_see_each_other(CELL, "loop", torch.float64)
    monkeypatch.setattr(laws, "unroll", mixing)
    with pytest.raises(AssertionError, match="beside NaN"):
        laws.law_rows_do_not_see_each_other(CELL, "loop", torch.float64)


@pytest.mark.parametrize("kind", CELLS, ids=lambda kind: kind.__name__)
def test_inputs_and_state_lie_where_the_cell_does(kind: type[Cell[Any]]) -> None:
    with measure.prepared(kind(3, 5).to("meta"), torch.float32) as (cell, x, state):
        assert {part.device.type for part in (x, *tree.leaves(state))} == {"meta"}
        assert {part.device.type for part in cell.parameters()} == {"meta"}


def test_tf32_is_off_while_laws_are_tried() -> None:
    before = torch.backends.cudnn.allow_tf32
    with measure.prepared(CELL, torch.float32):
        assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.allow_tf32 == before


def test_a_law_makes_nothing_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set[torch.device]()

    def told(cell: Any, x: Tensor, state: Any, *, lengths: Any = None, engine: Any = None) -> Any:
        seen.update([x.device] if lengths is None else [x.device, lengths.device])
        y = x.sum(-1, keepdim=True).expand(-1, -1, cell.output_size)
        return y, cell.initial_state(len(x))

    monkeypatch.setattr(measure, "unroll", told)
    monkeypatch.setattr(laws, "unroll", told)
    monkeypatch.setattr(laws, "close", lambda *given: None)
    monkeypatch.setattr(laws, "same", lambda *given: None)
    monkeypatch.setattr(laws, "difference", lambda *given: 0.0)
    cell = GRU(3, 5).to("meta")
    for law in (laws.law_any_cut_gives_the_same, laws.law_engine_equals_loop):
        law(cell, "vendor", torch.float32)
    assert {device.type for device in seen} == {"meta"}
