"""One step from each row's state with each of several inputs: what the state gives is shared."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, vmap

from recurra import inputs, tree
from recurra.cells import CELLS
from recurra.cells.base import Cell
from recurra.engines import unroll
from recurra.engines.base import traced
from recurra.engines.hooks import hooked
from recurra.errors import InputError, InputTypeError


def branch(
    cell: Cell[Any],
    x: Float[Tensor, "some branches input"],
    state: Any,
    *,
    engine: str | None = None,
) -> Float[Tensor, "batch branches output"]:
    """Return the output of one step from a row's state, for each of several inputs.

        y_ij = f(x_(i mod some), j, h_i)

    As if the rows of the state were repeated; but of the package's cells, products with the
    inputs are computed once for all rows that share them, and products with the state once for
    all branches.

    Args:
        cell: the recurrence.
        x: inputs; of fewer rows than the state where rows share them, in turn.
        state: of `batch` rows, a multiple of x's.
        engine: as `unroll` takes it; with a name, rows are repeated.
    Raises:
        TypeError, ValueError: a value is of another structure, shape, type or place than the cell
            takes.
        RecurraError: the engine cannot run this.
    """
    owner, like = type(cell).__name__, inputs.weight(cell)
    inputs.numbers(owner, "x", x, ("some", "branches", cell.input_size), like)
    rows = shared(owner, x, state)
    inputs.state(cell, state, rows, like)
    if engine is not None or type(cell) not in CELLS or hooked(cell) or traced() or not x.numel():
        steps, states = repeated(x, state, rows)
        y, _ = unroll(cell, steps, states, engine=engine)
        return y.view(rows, x.shape[1], cell.output_size)
    u = spread(cell.project(x), rows)
    found: Tensor = vmap(lambda one: cell.step(one, state)[0], in_dims=1, out_dims=1)(u)
    return found


def shared(owner: str, x: Tensor, state: Any) -> int:
    """Return the rows of a state, checked to be a multiple of the inputs' rows.

    A state without tensors is that of as many rows as x has.

    Raises:
        TypeError, ValueError: the state holds no rows, or rows that no input is for.
    """
    rows = len(x)
    for leaf in _parts(state):
        if not isinstance(leaf, Tensor) or not leaf.dim() or leaf.layout is not torch.strided:
            raise InputTypeError(f"the state of {owner} holds no rows; give that of a sequence")
        rows = leaf.shape[0]
    if rows != len(x) and (not rows or not len(x) or rows % len(x)):
        raise InputError(f"{rows} rows of state read x in turn, which has {len(x)}: not a divisor")
    return rows


def _parts(state: Any) -> list[Any]:
    """Return the leaves of what may be no state."""
    if not isinstance(state, tuple):
        return [state]
    return [leaf for part in state for leaf in _parts(part)]


def spread(x: Tensor, rows: int) -> Tensor:
    """Return inputs that rows share in turn, for each of the rows."""
    return x if len(x) == rows else x.repeat(rows // max(len(x), 1), *[1] * (x.dim() - 1))


def repeated(x: Tensor, state: Any, rows: int) -> tuple[Tensor, Any]:
    """Return each branch as a row of its own, of one step, and the states of these rows."""
    count = x.shape[1]
    states = tree.map(lambda leaf: leaf.repeat_interleave(count, 0), state)
    return spread(x, rows).flatten(0, 1)[:, None], states
