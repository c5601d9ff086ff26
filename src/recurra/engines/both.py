"""Two cells over one sequence, from its start and from its end, without turning it round."""

from typing import Any

from torch import Tensor

from recurra import inputs
from recurra.cells.base import Cell
from recurra.engines import choose
from recurra.engines.base import Lengths
from recurra.engines.hooks import hooked
from recurra.engines.native import NATIVE, run_both, turns


def both_ways(
    ahead: Cell[Any],
    back: Cell[Any],
    x: Tensor,
    states: tuple[Any, Any],
    lengths: Lengths,
    engine: str | None,
) -> tuple[Tensor, Any, Any] | None:
    """Return the outputs of both side by side, each step's at its place, and the last states.

    None where the engine that would be chosen for either reads forward only: then the sequence has
    to be reversed for `back`.

    Args:
        ahead: reads from the start.
        back: reads from each row's last step.
        x: inputs, whose sizes were checked.
        states: where each begins.
        lengths: valid steps of each row, checked; None: all.
        engine: the engine's name; None chooses.
    Raises:
        TypeError, ValueError, RecurraError: as `unroll`.
    """
    if engine not in (None, NATIVE.name) or 0 in x.shape[:2]:
        return None
    for cell, state in zip((ahead, back), states, strict=True):
        if not turns(cell) or hooked(cell):
            return None
        like = inputs.weight(cell)
        inputs.numbers(type(cell).__name__, "x", x, ("batch", "time", cell.input_size), like)
        inputs.state(cell, state, x.shape[0], like)
        if choose(cell, x, engine, ragged=lengths is not None, state=state) is not NATIVE:
            return None
    return run_both(ahead, back, x, states, lengths)
