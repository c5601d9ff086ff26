"""Which engine runs."""

from typing import Any

import pytest
import torch
from torch import Tensor

from recurra import engines
from recurra.cells import CELLS, GRU, LRU, LSTM, SLSTM, Affine, Cell, MinGRU
from recurra.engines import PREFERENCE, adopt, choose, survey, unroll
from recurra.engines.native import library
from recurra.engines.native.library import missing
from recurra.engines.table import Table, here
from recurra.errors import EngineRefused, RecurraError


class Outside(LSTM):
    """A cell that no engine knows."""


BUILT = missing() is None

pytestmark = pytest.mark.usefixtures("nothing_measured")


@pytest.mark.parametrize(
    ("cell", "time", "engine"),
    [
        (MinGRU(2, 3), 100, "native" if BUILT else "scan"),
        (MinGRU(2, 3).double(), 100, "scan"),
        (LRU(2, 3), 100, "native" if BUILT else "scan"),
        (GRU(2, 3), 100, "native" if BUILT else "vendor"),
        (LSTM(2, 3), 100, "native" if BUILT else "vendor"),
        (GRU(2, 3).double(), 100, "vendor"),
        (SLSTM(2, 3), 100, "native" if BUILT else "loop"),
        (SLSTM(2, 3).double(), 100, "loop"),
        (Outside(2, 3), 100, "loop"),
        (MinGRU(2, 3), 1, "loop"),
        (LSTM(2, 3), 1, "loop"),
        (LSTM(2, 3), 0, "loop"),
    ],
)
def test_the_decision_table(cell: Cell[Any], time: int, engine: str) -> None:
    x = torch.zeros(1, time, 2).to(next(cell.parameters()).dtype)
    assert choose(cell, x).name == engine


def test_a_measured_shape_decides_for_those_near_it(nothing_measured: Table) -> None:
    shapes = (1, 4, 64), (1, 64, 64), (32, 64, 64)
    faster = {
        ("GRU", "forward", shapes[2]): "vendor",
        ("GRU", "train", shapes[0]): "loop",
        ("MinGRU", "train", shapes[1]): "vendor",  # refuses it
        ("LRU", "train", shapes[1]): "gone",
        ("SLSTM", "train", shapes[1]): "scan",
    }
    adopt(nothing_measured._replace(shapes=shapes, faster=faster))
    best = "native" if BUILT else "vendor"
    for cell, (batch, time), train, engine in (
        (GRU(2, 64), (30, 90), False, "vendor"),
        (GRU(2, 64), (1, 90), False, best),
        (GRU(2, 64), (30, 90), True, best),
        (GRU(2, 64), (0, 0), True, "loop"),
        (GRU(2, 64), (1, 12), True, "loop"),
        (GRU(2, 64), (1, 20), True, best),
        (GRU(2, 4096), (1, 4), True, "loop"),
        (GRU(2, 64).double(), (1, 12), True, "vendor"),
        (MinGRU(2, 64), (1, 64), True, "native" if BUILT else "scan"),
        (LRU(2, 64), (1, 64), True, choose(LRU(2, 64), torch.zeros(9, 64, 2)).name),
        (SLSTM(2, 64), (1, 64), True, choose(SLSTM(2, 64), torch.zeros(9, 64, 2)).name),
    ):
        x = torch.zeros(batch, time, 2, dtype=next(cell.parameters()).dtype)
        with torch.set_grad_enabled(train):
            assert choose(cell, x).name == engine, (cell, batch, time, train)
    with torch.no_grad():
        assert choose(GRU(2, 64), torch.zeros(30, 90, 2), ragged=True).name == best


def test_a_class_of_the_same_name_is_another_cell(nothing_measured: Table) -> None:
    derived = type("LSTM", (LSTM,), {})(2, 3)
    faster = {("LSTM", "train", (1, 8, 8)): "vendor", ("MinGRU", "train", (1, 8, 8)): "loop"}
    adopt(nothing_measured._replace(shapes=((1, 8, 8),), faster=faster))
    assert choose(LSTM(2, 3), torch.zeros(1, 9, 2)).name == "vendor"
    assert choose(derived, torch.zeros(1, 9, 2)).name == "loop"
    own = type("MinGRU", (MinGRU,), {})(2, 3)
    assert choose(own, torch.zeros(1, 9, 2)).name == ("native" if BUILT else "scan")


class Moody(MinGRU):
    """Changes its mind about what its transition is, and counts how often it is asked."""

    asked = 0
    share = 1

    def transition(self, u: Tensor) -> Affine:
        self.asked += 1
        decay, inject = super().transition(u)
        return Affine(decay[..., : self.hidden_size // self.share], inject)


@pytest.mark.skipif(not BUILT, reason=str(missing()))
def test_a_linear_cell_is_asked_for_its_transition_once() -> None:
    cell, x = Moody(2, 4), torch.zeros(1, 9, 2)
    assert all(choose(cell, x).name == "native" for _ in range(3))
    assert cell.asked == 1
    cell.share = 4  # the engine would read beyond its decay
    with pytest.raises(EngineRefused, match="no native kernel for Moody: its decay or inject is"):
        unroll(cell, x, engine="native")


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


def test_a_gpus_table_decides_for_its_kind(
    nothing_measured: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    monkeypatch.setattr(engines, "begin", begun.append)
    monkeypatch.setattr(engines, "gpu", lambda device: "NVIDIA H200")
    cell, x = LSTM(2, 64), torch.zeros(32, 64, 2)
    assert choose(cell, x).name == "vendor"  # the fixed order on a GPU, and nothing is begun
    assert begun == []
    shape = 32, 64, 64
    faster = {("LSTM", "train", shape): "loop", ("LSTM", "train bfloat16", shape): "triton"}
    table = Table(*here(1, "NVIDIA H200"), (shape,), faster)
    adopt(table)
    assert choose(cell, x).name == "loop"
    found = engines._measured(LSTM, "train bfloat16", shape, 1, "NVIDIA H200")
    assert [engine.name for engine in found] == ["triton", *(e.name for e in engines.ON_CUDA)]
    monkeypatch.setattr(engines, "gpu", lambda device: "NVIDIA A100")
    assert choose(cell, x).name == "vendor"
    monkeypatch.undo()
    assert choose(cell, x).name == ("native" if BUILT else "vendor")


class Somewhere:
    """What a tensor tells of itself."""

    def __init__(self, place: str, dtype: torch.dtype) -> None:
        self.device, self.dtype = torch.device(place), dtype


@pytest.mark.parametrize(
    ("place", "dtype", "mode"),
    [
        ("cpu", torch.float32, "train"),
        ("cpu", torch.bfloat16, None),
        ("cuda", torch.float32, "train"),
        ("cuda", torch.bfloat16, "train bfloat16"),
        ("cuda", torch.float16, "train bfloat16"),
        ("cuda", torch.float64, None),
        ("meta", torch.float32, None),
    ],
)
@pytest.mark.unchecked("a stand-in for a tensor on another device is none")
def test_which_inputs_a_table_is_of(
    place: str, dtype: torch.dtype, mode: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    x: Any = Somewhere(place, dtype)
    assert engines._mode(x) == mode
    # autocast to cuda cannot be switched on where there is none
    monkeypatch.setattr("torch.is_autocast_enabled", lambda kind: kind == place)
    with torch.no_grad():
        assert engines._mode(x) == (mode and "forward bfloat16")
