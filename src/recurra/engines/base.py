"""How steps become a sequence: the one signature that every engine has."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from recurra.cells.base import Cell

Lengths = Int[Tensor, "batch"] | None


class Engine(NamedTuple):
    """One way to unroll a cell over time.

    run(cell, x, state, lengths) → (outputs [batch time output], state after each row's last
    step). Outputs at and beyond a row's length are zero, and its state passes through there.
    refuse(cell, x) → None, or why this engine cannot run this cell on this input: the automatic
    choice, the error text, the skip reason of tests and `recurra engines` all read it.
    packs: reads nothing beyond lengths, so that x may be anything there; for the others x is
    finite everywhere.
    """

    name: str
    run: Callable[[Cell[Any], Tensor, Any, Lengths], tuple[Tensor, Any]]
    refuse: Callable[[Cell[Any], Tensor], str | None]
    packs: bool = False


def traced() -> bool:
    """Return whether a graph is being made, whose sizes and memory are not those of now."""
    return torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None
