"""Cells with a matrix between states, with products in bfloat16: torch makes the large ones."""

from typing import NamedTuple

import torch
from torch import Tensor

from recurra.cells.base import lift
from recurra.engines.fused import Gradients, Tensors, overwrite
from recurra.engines.native.library import FORMATS
from recurra.engines.native.memory import fresh
from recurra.engines.native.product import product, rounded, transposed_product
from recurra.engines.native.rows import Rows


class Kernel(NamedTuple):
    """What recurra.h says of a cell: its number, vectors of a line of `gates` and of `memory`."""

    number: int
    gates: int
    memory: int


def forward(
    kernel: Kernel, rows: Rows, x: Tensor, state: Tensors, weights: Tensors, keep: bool
) -> tuple[Tensor, Tensors, Tensors]:
    """Return outputs, last state and what `backward` needs; x is bfloat16, all else float32."""
    from_input, bias, from_state, *state_bias = weights
    lines, width = len(x), state[0].shape[1]
    # W x, whose place what is kept of it takes
    u = fresh(state[0], lines, (kernel.gates or 1) * width)
    product(x, from_input.T, out=u[:, : len(from_input)])
    y = fresh(u, lines, width) if kernel.gates else u
    memory = fresh(u, lines, kernel.memory * width) if keep and kernel.memory else None
    gates, initial = (u if keep and kernel.gates else None), torch.stack(state)
    last = torch.empty_like(initial)
    rows.call(
        "recurrent_forward", width, kernel.number, heads(from_state), FORMATS[x.dtype], keep,
        u.shape[1], u, None, from_state.contiguous(), joined([bias, *state_bias]), initial, gates,
        memory, y, last,
    )  # fmt: skip  # in recurra.h's order
    return y, last.unbind(), tuple(array for array in (gates, memory) if array is not None)


def backward(
    kernel: Kernel,
    rows: Rows,
    x: Tensor,
    state: Tensors,
    weights: Tensors,
    y: Tensor,
    kept: Tensors,
    grad_y: Tensor,
    grad_last: Tensors,
) -> tuple[Tensor | None, Gradients, Gradients]:
    """Return the gradients of x, state and weights."""
    from_input, _, from_state, *state_bias = weights
    width = y.shape[1]
    gates, memory, *_ = *kept, None, None
    grads = fresh(y, *y.shape) if gates is None else overwrite(gates)
    initial = torch.stack(state)
    grad_initial = torch.empty_like(initial)
    rows.call(
        "recurrent_backward", width, kernel.number, heads(from_state), FORMATS[x.dtype], 1, None,
        None, from_state.contiguous(), initial, y, gates, memory, grad_y, torch.stack(grad_last),
        grads, grad_initial, *[None] * 4,
    )  # fmt: skip  # in recurra.h's order
    factor = rounded(grads, x.dtype)  # of all products
    grad_u = factor[:, : len(from_input)]
    grad_x = product(grad_u, from_input) if x.requires_grad else None
    if not any(weight.requires_grad for weight in weights):
        return grad_x, grad_initial.unbind(), (None,) * len(weights)
    of_input, grad_bias = transposed_product(grad_u, x), grads.sum(0)
    others = [grad_bias[3 * width :]] if state_bias else []  # the bias that n sees through r
    blocks = _blocks(from_state, grads.shape[1] if state_bias else len(grad_u[0]))
    of_state = _before(rows, factor, rounded(y, x.dtype), state[0], blocks)
    grad_weights = (
        of_input,
        grad_bias[: len(from_input)],
        of_state.view(from_state.shape),
        *others,
    )
    return grad_x, grad_initial.unbind(), grad_weights


def _blocks(from_state: Tensor, gates: int) -> list[tuple[slice, slice]]:
    """Return the gates, and the part of the state that they see, of each block of from_state."""
    if from_state.dim() == 2 and gates > len(from_state):  # GRU: n sees the state through r
        width = from_state.shape[1]
        return [(slice(2 * width), slice(None)), (slice(3 * width, 4 * width), slice(None))]
    if from_state.dim() == 2:
        return [(slice(len(from_state)), slice(None))]
    kinds, count, size, _ = from_state.shape
    return [
        (slice(first, first + size), slice(head * size, (head + 1) * size))
        for kind in range(kinds)
        for head in range(count)
        for first in [(kind * count + head) * size]
    ]


def _before(
    rows: Rows, grads: Tensor, y: Tensor, initial: Tensor, blocks: list[tuple[slice, slice]]
) -> Tensor:
    """Return gradsᵀ times the state before each line, which is y's line before, block by block.

    y is read where it lies: `grads`, which is overwritten, is made 0 in the rows' first lines.
    Of rows that are read backward, the line before is the next one.
    """
    first = rows.first()
    begun = lift(grads[first])
    initial = initial if rows.valid is None else initial[rows.lengths > 0]
    grads[first] = 0
    one, other = slice(1, None), slice(-1)
    now, before = (one, other) if rows.step > 0 else (other, one)
    return joined(
        [
            transposed_product(grads[now, gates], y[before, seen]).addmm_(
                begun[:, gates].T, initial[:, seen]
            )
            for gates, seen in blocks
        ]
    )


def joined(parts: list[Tensor]) -> Tensor:
    """Return the parts below one another, without a copy where there is but one."""
    return parts[0].contiguous() if len(parts) == 1 else torch.cat(parts)


def heads(from_state: Tensor) -> int:
    """Return how many parts of the state do not see each other."""
    return from_state.shape[1] if from_state.dim() == 4 else 1
