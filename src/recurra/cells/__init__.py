"""WHAT one step is. One file per paper; one line in `CELLS` makes a cell known everywhere."""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
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
    try:
        module = (
            _load(Path(module_name))
            if module_name.endswith(".py")
            else importlib.import_module(module_name)
        )
    except (Exception, SystemExit) as error:  # whatever the user's own code raises
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise RecurraError(f"cell {module_name}:{class_name} does not import: {reason}") from error
    cell = getattr(module, class_name, None)
    if not (isinstance(cell, type) and issubclass(cell, Cell)):
        raise RecurraError(f"{module_name} has no class {class_name} derived from recurra.Cell")
    if cell.__abstractmethods__:
        missing = ", ".join(sorted(cell.__abstractmethods__))
        raise RecurraError(f"cell {module_name}:{class_name} does not define {missing}")
    return cell


def _load(path: Path) -> ModuleType:
    # named by its path, which clashes with no module and is found again by `find`
    name = str(path.resolve())
    spec = importlib.util.spec_from_file_location(name, name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # a dataclass in the file looks its module up
    try:
        spec.loader.exec_module(module)
    except BaseException:  # the file is the user's: it may raise anything
        del sys.modules[name]
        raise
    return module
