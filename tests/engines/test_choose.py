"""Which engine runs."""

import pytest
import torch

from recurra.cells import CELLS, GRU, LSTM, SLSTM, MinGRU
from recurra.engines import PREFERENCE, choose, survey, unroll
from recurra.engines.native.library import missing
from recurra.errors import EngineRefused, RecurraError


class Outside(LSTM):
    """A cell that no engine knows."""


@pytest.mark.parametrize(
    ("cell", "time", "engine"),
    [
        (MinGRU(2, 3), 100, "scan" if missing() else "native"),
        (MinGRU(2, 3).double(), 100, "scan"),
        (GRU(2, 3), 100, "vendor"),
        (SLSTM(2, 3), 100, "loop"),
        (Outside(2, 3), 100, "loop"),
        (MinGRU(2, 3), 1, "loop"),
        (LSTM(2, 3), 1, "loop"),
        (LSTM(2, 3), 0, "loop"),
    ],
)
def test_the_decision_table(cell: LSTM, time: int, engine: str) -> None:
    assert choose(cell, torch.zeros(1, time, 2).to(cell.bias.dtype)).name == engine


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
