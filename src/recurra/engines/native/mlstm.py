"""MLSTM: one matrix product, then attention within chunks of steps and a state between them."""

import torch
from torch import Tensor

from recurra.engines.fused import Fused, Tensors
from recurra.engines.native.product import product, rounded, transposed_product
from recurra.engines.native.rows import Rows
from recurra.engines.scan import SCAN

CHUNK = 64  # steps; longer chunks keep fewer states, but compute more


def _forward(
    rows: Rows, x: Tensor, state: Tensors, weights: Tensors, keep: bool
) -> tuple[Tensor, Tensors, Tensors]:
    from_input, bias = weights
    u = product(x, from_input.T, bias=bias)
    _, heads, d = state[1].shape
    last = tuple(torch.empty_like(leaf) for leaf in state)
    y = u.new_empty(len(x), heads * d)
    kept: Tensors = ()
    states = None
    if keep:
        chunks = int(((rows.lengths + CHUNK - 1) // CHUNK).sum())
        states = u.new_empty(chunks, heads, d * d + d + 1)
        kept = u, states
    rows.call("mlstm_forward", heads * d, heads, CHUNK, u, *state, y, *last, states)
    return y, last, kept


def _backward(
    rows: Rows,
    x: Tensor,
    state: Tensors,
    weights: Tensors,
    y: Tensor,
    kept: Tensors,
    grad_y: Tensor,
    grad_last: Tensors,
) -> tuple[Tensor, Tensors, Tensors]:
    from_input, _ = weights
    u, states = kept
    heads = state[1].shape[1]
    grad_u = torch.empty_like(u)
    grad_state = tuple(torch.empty_like(leaf) for leaf in state)
    rows.call(
        "mlstm_backward", y.shape[1], heads, CHUNK, u, *state, y, states, grad_y, *grad_last,
        grad_u, *grad_state,
    )  # fmt: skip  # in recurra.h's order and lines
    factor = rounded(grad_u, x.dtype)
    return product(factor, from_input), grad_state, (transposed_product(factor, x), grad_u.sum(0))


MLSTM_KERNELS = Fused(("from_input", "bias"), _forward, _backward, SCAN)
