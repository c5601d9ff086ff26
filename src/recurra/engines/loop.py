"""The reference engine: calls `step` once per time."""

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from recurra import tree
from recurra.cells.base import Cell
from recurra.engines.base import Engine, Lengths, any_steps
from recurra.engines.keep import keep


def run(
    cell: Cell[Any], x: Float[Tensor, "batch time input"], state: Any, lengths: Lengths
) -> tuple[Float[Tensor, "batch time output"], Any]:
    """Unroll by calling `step`; the definition that every other engine equals."""
    if any_steps(x):
        return _kept(cell, x, state, lengths)
    outputs = []
    # unbind, not u[:, t]: the gradient of an index writes the whole sequence at every step
    for t, u in enumerate(cell.project(x).unbind(1)):
        y, state = _live(cell, state, u, None if lengths is None else lengths > t)
        outputs.append(y)
    return torch.stack(outputs, dim=1), state


def _live(
    cell: Cell[Any],
    state: Any,
    u: Float[Tensor, "batch projected"],
    live: Bool[Tensor, "batch"] | None = None,
) -> tuple[Float[Tensor, "batch output"], Any]:
    """Take a step in the rows that are live; the others say 0 and stay where they are."""
    y, after = cell.step(u, state)
    if live is None:
        return y, after

    def chosen(old: Tensor, new: Tensor) -> Tensor:
        return torch.where(live.view(-1, *[1] * (new.dim() - 1)), new, old)

    return torch.where(live[:, None], y, 0), tree.map(chosen, state, after)


def _kept(cell: Cell[Any], x: Tensor, state: Any, lengths: Lengths) -> tuple[Tensor, Any]:
    """Unroll into a graph of any number of steps."""
    given: tuple[Tensor, ...] = (cell.project(x),)
    if lengths is not None:
        given = *given, torch.arange(x.shape[1], device=x.device) < lengths[:, None]
    return keep(lambda before, *now: _live(cell, before, *now), state, given)


def refuse(_cell: Cell[Any], _x: Tensor) -> str | None:
    """Refuse nothing."""
    return None


LOOP = Engine("loop", run, refuse)
