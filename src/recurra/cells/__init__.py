"""WHAT one step is. One file per paper; one line in `CELLS` makes a cell known everywhere."""

from typing import Any

from recurra.cells.base import Affine, Cell, LinearCell, Rotation, Transition
from recurra.cells.elman import Elman, ElmanState
from recurra.cells.gru import GRU, GRUState
from recurra.cells.indrnn import IndRNN, IndRNNState
from recurra.cells.lru import LRU, LRUState
from recurra.cells.lstm import LSTM, LSTMState
from recurra.cells.mingru import MinGRU, MinGRUState
from recurra.cells.minlstm import MinLSTM, MinLSTMState
from recurra.cells.mlstm import MLSTM, MLSTMState
from recurra.cells.rglru import RGLRU, RGLRUState
from recurra.cells.slstm import SLSTM, SLSTMState
from recurra.errors import RecurraError, unknown
from recurra.named import named

CELLS: tuple[type[Cell[Any]], ...] = (
    Elman,
    LSTM,
    GRU,
    IndRNN,
    SLSTM,
    MinGRU,
    MinLSTM,
    LRU,
    RGLRU,
    MLSTM,
)

__all__ = [
    "CELLS",
    "GRU",
    "LRU",
    "LSTM",
    "MLSTM",
    "RGLRU",
    "SLSTM",
    "Affine",
    "Cell",
    "Elman",
    "ElmanState",
    "GRUState",
    "IndRNN",
    "IndRNNState",
    "LRUState",
    "LSTMState",
    "LinearCell",
    "MLSTMState",
    "MinGRU",
    "MinGRUState",
    "MinLSTM",
    "MinLSTMState",
    "RGLRUState",
    "Rotation",
    "SLSTMState",
    "Transition",
    "find",
]


def find(name: str) -> type[Cell[Any]]:
    """Return the cell of this name: one of `CELLS` in any case, or `package.module:Class`.

    `path/to/my_cell.py:Class` names a cell in a file. Only what a user types is looked up this
    way, never a name read from a saved model.

    Raises:
        RecurraError: there is no such cell, or it is not a `Cell`.
    """
    if ":" in name:
        return _import(*name.rsplit(":", 1))
    if name.endswith(".py"):
        raise RecurraError(f"cell {name!r} names a file; add the class: {name}:MyCell")
    known = {cell.__name__.lower(): cell for cell in CELLS}
    if name.lower() not in known:
        raise unknown("cell", name, list(known))
    return known[name.lower()]


def _import(module_name: str, class_name: str) -> type[Cell[Any]]:
    cell = named("cell", f"{module_name}:{class_name}")
    if not (isinstance(cell, type) and issubclass(cell, Cell)):
        raise RecurraError(f"{module_name} has no class {class_name} derived from recurra.Cell")
    if cell.__abstractmethods__:
        missing = ", ".join(sorted(cell.__abstractmethods__))
        raise RecurraError(f"cell {module_name}:{class_name} does not define {missing}")
    return cell
