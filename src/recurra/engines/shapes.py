"""Which arrays a cell of the package has: native kernels read so many numbers, and no fewer."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from torch import Tensor

from recurra.cells import (
    GRU,
    LRU,
    LSTM,
    MLSTM,
    RGLRU,
    SLSTM,
    Cell,
    Elman,
    IndRNN,
    MinGRU,
    MinLSTM,
)
from recurra.inputs import impure

Shape = tuple[int, ...]
Shapes = dict[str, Shape]


def _gated(gates: int) -> Callable[[Any], Shapes]:
    """Return the shapes of `gates` gates that see the input alone."""

    return lambda cell: _gates(gates, cell.input_size, cell.hidden_size)


@lru_cache(maxsize=1024)  # making them costs as much as looking at them
def _gates(gates: int, inputs: int, width: int, *more: tuple[str, Shape]) -> Shapes:
    return {"from_input": (gates * width, inputs), "bias": (gates * width,), **dict(more)}


def _recurrent(gates: int) -> Callable[[Any], Shapes]:
    """Return the shapes of `gates` gates that see the whole state too."""

    def shapes(cell: Any) -> Shapes:
        width = cell.hidden_size
        return _gates(gates, cell.input_size, width, ("from_state", (gates * width, width)))

    return shapes


def _slstm(cell: Any) -> Shapes:
    size = cell.hidden_size // cell.heads
    return {**_gated(4)(cell), "from_state": (4, cell.heads, size, size)}


def _lru(cell: Any) -> Shapes:
    inputs, width = cell.input_size, cell.hidden_size
    vectors = dict.fromkeys(("nu", "theta", "gamma"), (width,))
    return {**vectors, "from_input": (3 * width, inputs), "to_output": (width, 2 * width)}


def _rglru(cell: Any) -> Shapes:
    width = cell.hidden_size
    size = width // cell.heads
    return {
        **_gated(1)(cell),
        "decay": (width,),
        "gates": (2, cell.heads, size, size),
        "gate_bias": (2 * width,),
    }


def _mlstm(cell: Any) -> Shapes:
    lines = 4 * cell.hidden_size + 2 * cell.heads
    return {"from_input": (lines, cell.input_size), "bias": (lines,)}


SHAPES: dict[type[Cell[Any]], Callable[[Any], Shapes]] = {
    Elman: _recurrent(1),
    LSTM: _recurrent(4),
    GRU: lambda cell: {**_recurrent(3)(cell), "state_bias": (cell.hidden_size,)},
    IndRNN: lambda cell: {**_gated(1)(cell), "from_state": (cell.hidden_size,)},
    SLSTM: _slstm,
    MinGRU: _gated(2),
    MinLSTM: _gated(3),
    LRU: _lru,
    RGLRU: _rglru,
    MLSTM: _mlstm,
}


def weights(cell: Cell[Any]) -> list[tuple[str, Any, Shape]]:
    """Return name, value and expected shape of each array of exactly these classes."""
    own = cell._parameters
    return [
        (name, own[name] if name in own else getattr(cell, name), shape)  # a hook's, where renewed
        for name, shape in SHAPES[type(cell)](cell).items()
    ]


def misfit(cell: Cell[Any], unfit: Callable[[Tensor], str | None]) -> str | None:
    """Return why a weight cannot be read by the kernels, or None."""
    for name, value, shape in weights(cell):
        if not isinstance(value, Tensor) or value.shape != shape:
            got = list(value.shape) if isinstance(value, Tensor) else type(value).__name__
            return f"{name} of {type(cell).__name__} is {got}, not {list(shape)}"
        if reason := unfit(value) or impure(value):
            return reason
    return None
