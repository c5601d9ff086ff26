"""MinGRU and MinLSTM: one matrix product, then gates and scan in one pass over its result."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from recurra.cells.base import Cell
from recurra.cells.mingru import MinGRU
from recurra.engines.fused import Fused, Gradients, Tensors
from recurra.engines.scan import SCAN
from recurra.engines.triton import real
from recurra.engines.triton.padded import Padded
from recurra.engines.triton.scan import launch, sums


def _forward(
    cell: str, rows: Padded, x: Tensor, state: Tensors, weights: Tensors, keep: bool
) -> tuple[Tensor, Tensors, Tensors]:
    (initial,) = state
    u = torch.nn.functional.linear(x, *weights)
    h, last = initial.new_empty(len(x), initial.shape[1]), torch.empty_like(initial)
    fields = _side_by_side(u, initial.shape[1])
    launch(real.forward, rows, initial, initial.shape[1], *fields, u, h, last, CELL=cell)
    return h, (last,), (u,) if keep else ()


def _backward(
    cell: str,
    rows: Padded,
    x: Tensor,
    state: Tensors,
    weights: Tensors,
    h: Tensor,
    kept: Tensors,
    grad_h: Tensor,
    grad_last: Tensors,
) -> tuple[Tensor | None, Gradients, Gradients]:
    (initial,), (u,), (from_input, _) = state, kept, weights
    width = initial.shape[1]
    grad_u, grad_initial = torch.empty_like(u), torch.empty_like(initial)
    shares = sums(rows, u, width, u.shape[1] // width)
    grads = grad_u[:, :width], grad_u[:, width : 2 * width], grad_u[:, -width:]
    launch(
        real.backward, rows, initial, width, *_side_by_side(u, width), u, h, grad_h, *grad_last,
        *grads, grad_u.stride(0), shares, grad_initial, few=True, CELL=cell,
    )  # fmt: skip  # in the kernel's order and lines
    grad_x = grad_u @ from_input.to(u.dtype) if x.requires_grad else None
    grad_bias = shares.sum(1).flatten()
    return grad_x, (grad_initial,), (grad_u.T @ x.to(u.dtype), grad_bias)


def _side_by_side(u: Tensor, width: int) -> tuple[Any, ...]:
    """Return the fields of a line, with their strides, in the kernels' order."""
    line = u.stride(0)
    return u, line, u[:, width : 2 * width], line, u[:, -width:]


def fused(cell: Cell[Any]) -> Fused:
    """Return the kernels of a cell."""
    name = "mingru" if type(cell) is MinGRU else "minlstm"
    return Fused(("from_input", "bias"), partial(_forward, name), partial(_backward, name), SCAN)
