"""IndRNN: one matrix product, then the nonlinear recurrence of each unit in one pass over it."""

from functools import partial

import torch
from torch import Tensor

from recurra.engines.fused import Fused, Gradients, Tensors
from recurra.engines.loop import LOOP
from recurra.engines.native.memory import fresh
from recurra.engines.native.product import product, rounded, transposed_product
from recurra.engines.native.rows import Rows


def _forward(
    bound: float, rows: Rows, x: Tensor, state: Tensors, weights: Tensors, _keep: bool
) -> tuple[Tensor, Tensors, Tensors]:
    from_input, bias, from_state = weights
    h = product(x, from_input.T)
    last = torch.empty_like(state[0])
    recurrence = from_state.clamp(-bound, bound)
    rows.call("indrnn_forward", h.shape[1], recurrence, bias.contiguous(), state[0], h, last)
    return h, (last,), ()


def _backward(
    bound: float,
    rows: Rows,
    x: Tensor,
    state: Tensors,
    weights: Tensors,
    h: Tensor,
    _kept: Tensors,
    grad_h: Tensor,
    grad_last: Tensors,
) -> tuple[Tensor | None, Gradients, Gradients]:
    from_input, _, from_state = weights
    grad_u, grad_initial = fresh(h, *h.shape), torch.empty_like(state[0])
    grad_each = torch.empty_like(state[0])
    rows.call(
        "indrnn_backward", h.shape[1], from_state.clamp(-bound, bound), state[0], h, grad_h,
        *grad_last, grad_u, grad_each, grad_initial,
    )  # fmt: skip  # in recurra.h's order and lines
    factor = rounded(grad_u, x.dtype)
    grad_x = product(factor, from_input) if x.requires_grad else None
    # the bound has the gradient of the unbounded weight: see the cell
    return grad_x, (grad_initial,), (transposed_product(factor, x), grad_u.sum(0), grad_each.sum(0))


def indrnn_kernels(bound: float) -> Fused:
    """Return the kernels of a cell whose |u| is at most `bound`."""
    names = ("from_input", "bias", "from_state")
    return Fused(names, partial(_forward, bound), partial(_backward, bound), LOOP)
