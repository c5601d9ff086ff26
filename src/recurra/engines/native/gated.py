"""MinGRU and MinLSTM: one matrix product, then gates and scan in one pass over its result."""

import ctypes
from functools import partial
from typing import Any

import torch
from torch import Tensor

from recurra.engines.fused import Fused, Gradients, Tensors, overwrite
from recurra.engines.native.fields import MINGRU, MINLSTM, fields
from recurra.engines.native.memory import fresh
from recurra.engines.native.product import product, rounded, transposed_product
from recurra.engines.native.rows import Rows
from recurra.engines.scan import SCAN

GATES = {MINGRU: 2, MINLSTM: 3}


def _forward(
    cell: int, rows: Rows, x: Tensor, state: Tensors, weights: Tensors, keep: bool
) -> tuple[Tensor, Tensors, Tensors]:
    from_input, bias = weights
    (initial,) = state
    width = initial.shape[1]
    # the kernel adds the bias: torch would write it to all of u before it multiplies
    u = product(x, from_input.T)
    h, last = fresh(initial, len(x), width), torch.empty_like(initial)
    rows.call("scan_forward", width, cell, _side_by_side(cell, u, bias), initial, h, last)
    return h, (last,), (u,) if keep else ()


def _backward(
    cell: int,
    rows: Rows,
    x: Tensor,
    state: Tensors,
    weights: Tensors,
    h: Tensor,
    kept: Tensors,
    grad_h: Tensor,
    grad_last: Tensors,
) -> tuple[Tensor | None, Gradients, Gradients]:
    from_input, bias = weights
    (initial,), (u,) = state, kept
    grad_u, grad_bias, grad_initial = (
        overwrite(u),
        torch.empty_like(bias),
        torch.empty_like(initial),
    )
    rows.call(
        "scan_backward", h.shape[1], cell, _side_by_side(cell, u, bias), initial, h, grad_h,
        *grad_last, _side_by_side(cell, grad_u, grad_bias), grad_initial,
    )  # fmt: skip  # in recurra.h's order and lines
    grad_u = rounded(grad_u, x.dtype)
    grad_x = product(grad_u, from_input) if x.requires_grad else None
    return grad_x, (grad_initial,), (transposed_product(grad_u, x), grad_bias)


def _side_by_side(cell: int, u: Tensor, bias: Tensor) -> ctypes.Array[Any]:
    gates = GATES[cell]
    return fields(*zip(u.chunk(gates, dim=1), bias.chunk(gates), strict=True))


def _fused(cell: int) -> Fused:
    return Fused(("from_input", "bias"), partial(_forward, cell), partial(_backward, cell), SCAN)


MINGRU_KERNELS, MINLSTM_KERNELS = _fused(MINGRU), _fused(MINLSTM)
