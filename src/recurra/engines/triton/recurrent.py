"""Cells with a matrix between states: torch multiplies what sees none; the time loop is ours."""

from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from recurra.cells.base import Cell
from recurra.cells.elman import Elman
from recurra.cells.gru import GRU
from recurra.cells.slstm import SLSTM
from recurra.engines.fused import Fused, Gradients, Rows, Tensors, overwrite
from recurra.engines.loop import LOOP
from recurra.engines.triton.launch import launch
from recurra.engines.triton.products import products
from recurra.engines.triton.recurrent_backward import backward
from recurra.engines.triton.recurrent_forward import forward


class Kernel(NamedTuple):
    """A cell: vectors of W x, of a line of what is kept, of memory; leaves of the state."""

    name: str
    gates: int
    kept: int
    memory: int
    leaves: int


_TANH, _RELU = Kernel("tanh", 1, 0, 0, 1), Kernel("relu", 1, 0, 0, 1)
_GRU, _LSTM = Kernel("gru", 3, 4, 0, 1), Kernel("lstm", 4, 4, 1, 2)
_SLSTM, _SLSTM_EXP = Kernel("slstm", 4, 5, 2, 4), Kernel("slstm_exp", 4, 5, 2, 4)


def _forward(
    kernel: Kernel, rows: Rows, x: Tensor, state: Tensors, weights: Tensors, keep: bool
) -> tuple[Tensor, Tensors, Tensors]:
    from_input, bias, from_state, *state_bias = weights
    (batch, width), lines, dtype = state[0].shape, len(x), products(x)
    with torch.autocast(x.device.type, enabled=False):
        # what is kept takes the place of W x, where 16 bits are enough for it: not for logarithms
        inside = kernel.kept == 4
        u = x.new_empty(lines, (4 if inside else kernel.gates) * width, dtype=dtype)
        torch.mm(x.to(dtype), from_input.to(dtype).T, out=u[:, : len(from_input)])
        kept, memory = (
            x.new_empty(lines if keep else 0, vectors * width, dtype=torch.float32)
            for vectors in (0 if inside else kernel.kept, kernel.memory)
        )
        initial = torch.stack(state).float()
        carry = initial.clone()
        y = x.new_empty(lines, width, dtype=state[0].dtype)
        exchange = x.new_empty(2, batch, width, dtype=dtype)
        exchange[0] = state[0]
        launch(
            forward, from_state.to(dtype), rows.lengths, (batch, lines // batch),
            [torch.cat([bias, *state_bias]), u, u if inside else kept, memory, y, carry, exchange],
            CELL=kernel.name, GATES=kernel.gates, PADDED=4 if kernel.gates > 1 else 1,
            LEAVES=kernel.leaves, U_LINE=u.shape[1],
            KEPT_LINE=kernel.kept * width, KEEP=keep and kernel.kept > 0,
        )  # fmt: skip  # inputs and outputs in the kernel's order, what is compiled
    last = tuple(leaf.to(old.dtype) for leaf, old in zip(carry, state, strict=True))
    if not keep:
        return y, last, ()
    return y, last, (initial, u if inside else u.new_empty(0), kept, memory)


def _backward(
    kernel: Kernel,
    rows: Rows,
    x: Tensor,
    state: Tensors,
    weights: Tensors,
    y: Tensor,
    needed: Tensors,
    grad_y: Tensor,
    grad_last: Tensors,
) -> tuple[Tensor | None, Gradients, Gradients]:
    from_input, _, from_state, *state_bias = weights
    initial, u, kept, memory = needed
    (batch, width), lines, dtype = state[0].shape, len(x), u.dtype
    with torch.autocast(x.device.type, enabled=False):
        inside = u.numel() > 0
        grads = overwrite(u) if inside else u.new_empty(lines, kernel.gates * width)
        carry = torch.stack(grad_last).float()
        by_head = _by_head(from_state, kernel.gates).to(dtype)
        heads, size = by_head.shape[1:3]
        exchange = x.new_zeros(2, batch, heads, kernel.gates * size, dtype=dtype)
        launch(
            backward, from_state.to(dtype), rows.lengths, (batch, lines // batch),
            [initial, u if inside else kept, memory, y, grad_y, grads, carry, exchange],
            CELL=kernel.name, GATES=kernel.gates, LEAVES=kernel.leaves,
            KEPT_LINE=kernel.kept * width, GRADS_LINE=grads.shape[1],
        )  # fmt: skip  # inputs and outputs in the kernel's order, what is compiled
        # what the first step's gates give to the state before it
        first = exchange[0].view(batch, heads, kernel.gates, size)
        begun = torch.einsum("bhgo,ghoi->bhi", first, by_head)
        carry[0] += begun.flatten(1)
        grad_state = tuple(leaf.to(old.dtype) for leaf, old in zip(carry, state, strict=True))
        grad_u = grads[:, : len(from_input)]
        grad_x = (grad_u @ from_input.to(dtype)).to(x.dtype) if x.requires_grad else None
        if not any(weight.requires_grad for weight in weights):
            return grad_x, grad_state, (None,) * len(weights)
        biases = grads.sum(0, dtype=torch.float32)
        found = [grad_u.T @ x.to(dtype), biases[: len(from_input)]]
        found.append(_grad_from_state(kernel, grads, y, state[0], by_head))
        if state_bias:  # what n sees through r
            found.append(biases[len(from_input) :])
    gradients = (
        grad.view(weight.shape).to(weight.dtype)
        for grad, weight in zip(found, weights, strict=True)
    )
    return grad_x, grad_state, tuple(gradients)


def _grad_from_state(
    kernel: Kernel, grads: Tensor, y: Tensor, initial: Tensor, by_head: Tensor
) -> Tensor:
    """Return grads of the gates times the state before each line, which is y's line before.

    y is read where it lies: `grads`, which is overwritten, is made 0 in the rows' first lines.
    """
    _, heads, size, _ = by_head.shape
    firsts = grads.view(len(initial), -1, grads.shape[1])[:, 0]
    begun = firsts.clone()
    firsts.zero_()

    def summed(grads: Tensor, before: Tensor) -> Tensor:
        lines = grads.view(len(grads), grads.shape[1] // (heads * size), heads, size)
        if kernel is _GRU:  # r and z; n sees the state through r
            lines = torch.cat([lines[:, :2], lines[:, 3:]], dim=1)
        seen = before.to(grads.dtype).view(len(before), heads, size)
        return torch.einsum("lgho,lhi->ghoi", lines, seen)

    return summed(grads[1:], y[:-1]) + summed(begun, initial)


def _by_head(from_state: Tensor, gates: int) -> Tensor:
    """Return U as [gates, heads, to, from]."""
    size = from_state.shape[-1]
    return from_state.reshape(gates, -1, size, size)


def _fused(kernel: Kernel, *more: str) -> Fused:
    names = ("from_input", "bias", "from_state", *more)
    return Fused(names, partial(_forward, kernel), partial(_backward, kernel), LOOP)


def fused(cell: Cell[Any]) -> Fused:
    """Return the kernels of a cell."""
    if isinstance(cell, Elman):
        return ELMAN_KERNELS[cell.nonlinearity]
    if isinstance(cell, SLSTM):
        return SLSTM_KERNELS[cell.forget]
    return GRU_KERNELS if isinstance(cell, GRU) else LSTM_KERNELS


ELMAN_KERNELS = {"tanh": _fused(_TANH), "relu": _fused(_RELU)}
GRU_KERNELS = _fused(_GRU, "state_bias")
LSTM_KERNELS = _fused(_LSTM)
SLSTM_KERNELS = {"sigmoid": _fused(_SLSTM), "exp": _fused(_SLSTM_EXP)}
