"""IndRNN: one matrix product, then the nonlinear recurrence of each unit in one pass over it."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from recurra.cells.base import Cell
from recurra.cells.indrnn import IndRNN
from recurra.engines.fused import Fused, Gradients, Rows, Tensors
from recurra.engines.loop import LOOP
from recurra.engines.triton.indrnn_kernels import backward, forward
from recurra.engines.triton.products import products

COLUMNS = 64  # of a program: few, so that many programs hide each other's waits


def _forward(
    bound: float, rows: Rows, x: Tensor, state: Tensors, weights: Tensors, _keep: bool
) -> tuple[Tensor, Tensors, Tensors]:
    from_input, bias, from_state = weights
    dtype, (batch, width) = products(x), state[0].shape
    with torch.autocast(x.device.type, enabled=False):
        u = x.to(dtype) @ from_input.to(dtype).T
        h, last = x.new_empty(len(x), width, dtype=state[0].dtype), torch.empty_like(state[0])
        _launch(
            forward, rows, batch, len(x) // batch, width,
            state[0], from_state.float().clamp(-bound, bound), bias, u, h, last,
        )  # fmt: skip  # in the kernel's order
    return h, (last,), (u.new_empty(0),)


def _backward(
    bound: float,
    rows: Rows,
    x: Tensor,
    state: Tensors,
    weights: Tensors,
    h: Tensor,
    kept: Tensors,
    grad_h: Tensor,
    grad_last: Tensors,
) -> tuple[Tensor | None, Gradients, Gradients]:
    from_input, _, from_state = weights
    dtype, (batch, width) = kept[0].dtype, state[0].shape
    with torch.autocast(x.device.type, enabled=False):
        grad_u, grad_initial = h.new_empty(len(x), width, dtype=dtype), torch.empty_like(state[0])
        grad_each = h.new_empty(batch, width, dtype=torch.float32)
        _launch(
            backward, rows, batch, len(x) // batch, width,
            state[0], from_state.float().clamp(-bound, bound), h, grad_h, *grad_last,
            grad_u, grad_each, grad_initial,
        )  # fmt: skip  # in the kernel's order
        grad_x = (grad_u @ from_input.to(dtype)).to(x.dtype) if x.requires_grad else None
        found = grad_u.T @ x.to(dtype), grad_u.sum(0, dtype=torch.float32), grad_each.sum(0)
    # the bound has the gradient of the unbounded weight: see the cell
    grads = (grad.to(weight.dtype) for grad, weight in zip(found, weights, strict=True))
    return grad_x, (grad_initial,), tuple(grads)


def _launch(kernel: Any, rows: Rows, batch: int, time: int, width: int, *tensors: Tensor) -> None:
    grid = (-(-width // COLUMNS), batch)
    kernel[grid](
        rows.lengths, *tensors, time,
        WIDTH=width, RAGGED=rows.lengths is not None, COLUMNS=COLUMNS, num_warps=1,
    )  # fmt: skip  # in the kernel's order


def fused(cell: Cell[Any]) -> Fused:
    """Return the kernels of a cell, for the bound of its |u|."""
    assert isinstance(cell, IndRNN)
    names = ("from_input", "bias", "from_state")
    return Fused(names, partial(_forward, cell.max_abs), partial(_backward, cell.max_abs), LOOP)
