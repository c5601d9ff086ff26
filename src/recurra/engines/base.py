"""How steps become a sequence: the one signature that every engine has."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from recurra import tree
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
    by_memory: reads the memory of x, state and weights, where their numbers must lie as they are.
    """

    name: str
    run: Callable[[Cell[Any], Tensor, Any, Lengths], tuple[Tensor, Any]]
    refuse: Callable[[Cell[Any], Tensor], str | None]
    packs: bool = False
    by_memory: bool = False


WRITER: ContextVar[Engine | None] = ContextVar("writer", default=None)
"""An engine that goes before all others, by name too: it writes the operators of a runtime."""


def traced() -> bool:
    """Return whether a graph is being made, whose sizes and memory are not those of now."""
    return torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None


def any_steps(x: Tensor) -> bool:
    """Return whether a graph for any number of steps is being exported.

    `torch.compile` makes one graph for each number of steps instead.
    """
    return torch.compiler.is_exporting() and isinstance(x.shape[1], torch.SymInt)


def steps_unknown(x: Tensor) -> str | None:
    """Return why an engine that needs a number of steps has none, or None."""
    if any_steps(x):
        return (
            "this graph is to run any number of steps, and only `loop` writes one that does: "
            "ask for no engine, or export with a fixed time"
        )
    return None


def nothing(cell: Cell[Any], x: Tensor, state: Any) -> tuple[Tensor, Any]:
    """Return what no rows, or no steps, give: no outputs, in a graph whose gradients are zero."""
    link = sum((part.sum() for part in (x, *cell.parameters()) if part.requires_grad), x.sum()) * 0
    y = x.new_zeros(x.shape[0], x.shape[1], cell.output_size) + link.to(x.dtype)
    if x.shape[1] == 0:  # the state passes through, with the graph that it has
        return y, state
    return y, tree.map(lambda leaf: leaf + link.to(leaf.dtype), state)
