"""In what numbers a layer's products are computed, whatever it is given and autocast asks for."""

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import torch
from torch import Tensor

from recurra import tree
from recurra.cells.base import Cell, lift
from recurra.engines.fused import Fused, Gradients, Tensors, run_fused
from recurra.engines.native.library import multiplies_bfloat16
from recurra.engines.native.product import rounded
from recurra.engines.native.rows import Rows

WORTH = 1 << 26  # numbers of weights, times lines, from which bfloat16 is the faster


def run_lines(
    fused: Fused, cell: Cell[Any], rows: Rows, lines: Tensor, state: Any
) -> tuple[Tensor, Any]:
    """Return the outputs, as lines of float32 like those of x, and the last state."""
    narrow = narrows(fused, cell, lines, state)
    with _no_autocast(
        torch.is_autocast_enabled("cpu")
    ):  # the kernels say themselves what has 16 bits
        kernels = _narrowed(fused) if narrow else fused
        y, last = run_fused(kernels, cell, rows, lines, state, lift)
    return y, tree.map(lambda new, old: new.to(old.dtype), last, state)


def narrows(fused: Fused, cell: Cell[Any], lines: Tensor, state: Any) -> bool:
    """Return whether products take bfloat16.

    They do where the state is of it or autocast asks for it, and the processor multiplies it: else
    it would only be widened, and float32 is as fast and more exact. So it is where there is little
    to multiply.
    """
    asked = torch.is_autocast_enabled("cpu") or tree.leaves(state)[0].dtype == torch.bfloat16
    return asked and multiplies_bfloat16() and multiplications(fused, cell, lines) >= WORTH


def multiplications(fused: Fused, cell: Cell[Any], lines: Tensor) -> int:
    """Return the numbers of weights, times lines."""
    weights: list[Tensor] = [getattr(cell, name) for name in fused.names]
    return len(lines) * sum(one.numel() for one in weights)


def _no_autocast(cast: bool) -> AbstractContextManager[object]:
    return torch.autocast("cpu", enabled=False) if cast else nullcontext()


@cache
def _narrowed(fused: Fused) -> Fused:
    """Return the same kernels on x rounded to bfloat16, which says what their products take."""

    def forward(
        rows: Rows, x: Tensor, state: Tensors, weights: Tensors, keep: bool
    ) -> tuple[Tensor, Tensors, Tensors]:
        narrow = rounded(x, torch.bfloat16)
        y, last, kept = fused.forward(rows, narrow, state, weights, keep)
        return y, last, (narrow, *kept) if keep else ()

    def backward(
        rows: Rows,
        x: Tensor,
        state: Tensors,
        weights: Tensors,
        y: Tensor,
        kept: Tensors,
        *grads: Any,
    ) -> tuple[Tensor | None, Gradients, Gradients]:
        narrow = kept[0].detach().requires_grad_(x.requires_grad)
        with _no_autocast(torch.is_autocast_enabled("cpu")):  # around the whole step of training
            return fused.backward(rows, narrow, state, weights, y, kept[1:], *grads)

    return Fused(fused.names, forward, backward, fused.exact)
