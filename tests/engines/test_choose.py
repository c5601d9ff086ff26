"""Which engine runs."""

from typing import Any

import pytest
import torch

from recurra.cells import CELLS, GRU, LRU, LSTM, SLSTM, Cell, MinGRU
from recurra.engines import PREFERENCE, choose, survey, unroll
from recurra.engines.native import library
from recurra.engines.native.library import missing
from recurra.errors import EngineRefused, RecurraError


class Outside(LSTM):
    """A cell that no engine knows."""


BUILT = missing() is None


@pytest.mark.parametrize(
    ("cell", "time", "engine"),
    [
        (MinGRU(2, 3), 100, "native" if BUILT else "scan"),
        (MinGRU(2, 3).double(), 100, "scan"),
        (LRU(2, 3), 100, "scan"),
        (GRU(2, 3), 100, "native" if BUILT else "vendor"),
        (LSTM(2, 3), 100, "native" if BUILT else "vendor"),
        (GRU(2, 3).double(), 100, "vendor"),
        (SLSTM(2, 3), 100, "loop"),
        (Outside(2, 3), 100, "loop"),
        (MinGRU(2, 3), 1, "loop"),
        (LSTM(2, 3), 1, "loop"),
        (LSTM(2, 3), 0, "loop"),
    ],
)
def test_the_decision_table(cell: Cell[Any], time: int, engine: str) -> None:
    x = torch.zeros(1, time, 2).to(next(cell.parameters()).dtype)
    assert choose(cell, x).name == engine


def test_without_gradients() -> None:
    with torch.no_grad():
        assert choose(LSTM(2, 3), torch.zeros(1, 100, 2)).name == "vendor"
        assert choose(GRU(2, 3), torch.zeros(1, 100, 2)).name == ("native" if BUILT else "vendor")


def test_without_the_library_torch_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "_find", lambda: None)
    for cell, engine in ((MinGRU(2, 3), "scan"), (LSTM(2, 3), "vendor")):
        assert choose(cell, torch.zeros(1, 100, 2)).name == engine
    with pytest.raises(EngineRefused, match="is not built here: no C\\+\\+ compiler was found"):
        choose(MinGRU(2, 3), torch.zeros(1, 100, 2), "native")


def test_a_named_engine_runs_or_is_refused() -> None:
    assert choose(MinGRU(2, 3), torch.zeros(1, 1, 2), "scan").name == "scan"
    with pytest.raises(EngineRefused, match="scan cannot run LSTM: LSTM is no LinearCell"):
        unroll(LSTM(2, 3), torch.zeros(1, 1, 2), engine="scan")


def test_an_unknown_engine_gets_a_suggestion() -> None:
    with pytest.raises(RecurraError, match="unknown engine 'vendr'; did you mean 'vendor'"):
        unroll(LSTM(2, 3), torch.zeros(1, 1, 2), engine="vendr")


def test_the_survey_has_every_cell_and_engine() -> None:
    rows = survey()
    assert [name for name, _, _ in rows] == [cell.__name__ for cell in CELLS]
    for _, reasons, chosen in rows:
        assert list(reasons) == [engine.name for engine in PREFERENCE]
        assert reasons[chosen] is None
        assert reasons["loop"] is None


def test_an_input_of_another_size_is_told() -> None:
    with pytest.raises(ValueError, match=r"LSTM takes \[batch time 2\]; got \[1, 4, 3\]"):
        unroll(LSTM(2, 3), torch.zeros(1, 4, 3))
