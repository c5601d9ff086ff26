"""MinGRU: one matrix product, then gates and scan in one pass over its result."""

import torch
from torch import Tensor

from recurra.engines.native.fused import Fused, Tensors
from recurra.engines.native.rows import Rows
from recurra.engines.scan import SCAN


def _forward(
    rows: Rows, x: Tensor, state: Tensors, weights: Tensors, keep: bool
) -> tuple[Tensor, Tensors, Tensors]:
    from_input, bias = weights
    (initial,) = state
    u = torch.addmm(bias, x, from_input.T)
    h, last = x.new_empty(len(x), initial.shape[1]), torch.empty_like(initial)
    rows.call("mingru_forward", h.shape[1], u, initial, h, last)
    return h, (last,), (u,) if keep else ()


def _backward(
    rows: Rows,
    x: Tensor,
    state: Tensors,
    weights: Tensors,
    h: Tensor,
    kept: Tensors,
    grad_h: Tensor,
    grad_last: Tensors,
) -> tuple[Tensor, Tensors, Tensors]:
    from_input, _ = weights
    (u,) = kept
    grad_u, grad_initial = torch.empty_like(u), torch.empty_like(state[0])
    rows.call(
        "mingru_backward", h.shape[1], u, h, state[0], grad_h, *grad_last, grad_u, grad_initial
    )
    return grad_u @ from_input, (grad_initial,), ((x.T @ grad_u).T, grad_u.sum(0))


MINGRU = Fused(("from_input", "bias"), _forward, _backward, SCAN)
