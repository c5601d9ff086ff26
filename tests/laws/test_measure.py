"""What the laws compare: an engine that is wrong in one thing only is found out."""

from typing import Any

import pytest
import torch
from torch import Tensor

from recurra.cells import GRU
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
