"""The reference engine: calls `step` once per time."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from recurra import tree
from recurra.cells.base import Cell
from recurra.engines.base import Engine, Lengths, steps_unknown


def run(
    cell: Cell[Any], x: Float[Tensor, "batch time input"], state: Any, lengths: Lengths
) -> tuple[Float[Tensor, "batch time output"], Any]:
    """Unroll by calling `step`; the definition that every other engine equals."""
    outputs = []
    # unbind, not u[:, t]: the gradient of an index writes the whole sequence at every step
    for t, u in enumerate(cell.project(x).unbind(1)):
        y, after = cell.step(u, state)
        if lengths is None:
            state = after
        else:
            live = lengths > t
            y = torch.where(live[:, None], y, 0)
            state = tree.map(
                lambda old, new, live=live: torch.where(
                    live.view(-1, *[1] * (new.dim() - 1)), new, old
                ),
                state,
                after,
            )
        outputs.append(y)
    return torch.stack(outputs, dim=1), state


def refuse(_cell: Cell[Any], x: Tensor) -> str | None:
    """Refuse a number of steps not yet known."""
    return steps_unknown(x)


LOOP = Engine("loop", run, refuse)
