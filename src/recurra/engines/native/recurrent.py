"""Cells with a matrix between states: torch multiplies what sees none; the time loop is native."""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from recurra.cells.base import lift
from recurra.engines.fused import Fused, Gradients, Tensors, overwrite
from recurra.engines.loop import LOOP
from recurra.engines.native.library import FORMATS
from recurra.engines.native.memory import fresh
from recurra.engines.native.product import product, rounded, transposed_product
from recurra.engines.native.rows import Rows


class Kernel(NamedTuple):
    """What recurra.h says of a cell: its number, vectors of a line of `gates` and of `memory`."""

    number: int
    gates: int
    memory: int


ELMAN_TANH, ELMAN_RELU = Kernel(0, 1, 0), Kernel(1, 1, 0)
GRU, LSTM = Kernel(2, 4, 0), Kernel(3, 4, 1)
SLSTM_SIGMOID, SLSTM_EXP = Kernel(4, 5, 2), Kernel(5, 5, 2)


def _forward(
    kernel: Kernel, rows: Rows, x: Tensor, state: Tensors, weights: Tensors, keep: bool
) -> tuple[Tensor, Tensors, Tensors]:
    from_input, bias, from_state, *state_bias = weights
    lines, width = len(x), state[0].shape[1]
    gates = fresh(state[0], lines, kernel.gates * width)
    product(x, from_input.T, out=gates[:, : len(from_input)])
    y = gates if kernel.gates == 1 else fresh(gates, lines, width)  # Elman's h takes the place of W x
    memory = fresh(gates, lines, kernel.memory * width) if keep and kernel.memory else None
    initial = torch.stack(state)
    last = torch.empty_like(initial)
    rows.call(
        "recurrent_forward", width, kernel.number, _heads(from_state), FORMATS[x.dtype], keep,
        from_state.contiguous(), _joined([bias, *state_bias]), initial, gates, memory, y, last,
    )  # fmt: skip  # in recurra.h's order and lines
    kept = () if y is gates or not keep else (gates,) if memory is None else (gates, memory)
    return y, last.unbind(), kept


def _backward(
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
    from_input, _, from_state = weights[:3]
    width = y.shape[1]
    gates, memory, *_ = *kept, None, None
    grads = fresh(y, *y.shape) if gates is None else overwrite(gates)
    initial = torch.stack(state)
    grad_initial = torch.empty_like(initial)
    rows.call(
        "recurrent_backward", width, kernel.number, _heads(from_state), FORMATS[x.dtype],
        from_state.contiguous(), initial, y, gates, memory, grad_y, torch.stack(grad_last), grads, grad_initial,
    )  # fmt: skip  # in recurra.h's order and lines
    factor = rounded(grads, x.dtype)  # for all products
    grad_u = factor[:, : len(from_input)]
    grad_x = product(grad_u, from_input) if x.requires_grad else None
    if not any(weight.requires_grad for weight in weights):
        return grad_x, grad_initial.unbind(), (None,) * len(weights)
    grad_weights = [transposed_product(grad_u, x), grads[:, : len(from_input)].sum(0)]
    if kernel is GRU:  # the bias that n sees through r
        grad_weights.append(grads[:, 3 * width :].sum(0))
    grad_from_state = _transposed_product(
        rows, factor, rounded(y, x.dtype), state[0], _blocks(kernel, from_state)
    )
    grad_weights.insert(2, grad_from_state.view(from_state.shape))
    return grad_x, grad_initial.unbind(), tuple(grad_weights)


def _blocks(kernel: Kernel, from_state: Tensor) -> list[tuple[slice, slice]]:
    """Return the gates, and the part of the state that they see, of each block of from_state."""
    if kernel is GRU:  # r and z; n sees the state through r
        width = from_state.shape[1]
        return [(slice(2 * width), slice(None)), (slice(3 * width, 4 * width), slice(None))]
    if from_state.dim() == 2:
        return [(slice(len(from_state)), slice(None))]
    gates, heads, size, _ = from_state.shape
    return [
        (slice(first, first + size), slice(head * size, (head + 1) * size))
        for gate in range(gates)
        for head in range(heads)
        for first in [(gate * heads + head) * size]
    ]


def _transposed_product(
    rows: Rows, grads: Tensor, y: Tensor, initial: Tensor, blocks: list[tuple[slice, slice]]
) -> Tensor:
    """Return gradsᵀ times the state before each line, which is y's line before, block by block.

    y is read where it lies: `grads`, which is overwritten, is made 0 in the rows' first lines.
    Of rows that are read backward, the line before is the next one.
    """
    first = rows.first()
    begun, initial = lift(grads[first]), initial if rows.valid is None else initial[rows.lengths > 0]
    grads[first] = 0
    one, other = slice(1, None), slice(-1)
    now, before = (one, other) if rows.step > 0 else (other, one)
    return _joined(
        [
            transposed_product(grads[now, gates], y[before, seen]).addmm_(
                begun[:, gates].T, initial[:, seen]
            )
            for gates, seen in blocks
        ]
    )


def _joined(parts: list[Tensor]) -> Tensor:
    """Return the parts below one another, without a copy where there is but one."""
    return parts[0].contiguous() if len(parts) == 1 else torch.cat(parts)


def _heads(from_state: Tensor) -> int:
    return from_state.shape[1] if from_state.dim() == 4 else 1


def _fused(kernel: Kernel, names: tuple[str, ...] = ("from_input", "bias", "from_state")) -> Fused:
    return Fused(names, partial(_forward, kernel), partial(_backward, kernel), LOOP)


ELMAN_KERNELS = {"tanh": _fused(ELMAN_TANH), "relu": _fused(ELMAN_RELU)}
GRU_KERNELS = _fused(GRU, ("from_input", "bias", "from_state", "state_bias"))
LSTM_KERNELS = _fused(LSTM)
SLSTM_KERNELS = {"sigmoid": _fused(SLSTM_SIGMOID), "exp": _fused(SLSTM_EXP)}
