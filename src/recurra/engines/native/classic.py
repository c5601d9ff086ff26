"""Elman, GRU and LSTM: torch multiplies what sees no state; the time loop is native."""

from functools import partial

import torch
from torch import Tensor

from recurra.engines.loop import LOOP
from recurra.engines.native.fused import Fused, Tensors
from recurra.engines.native.rows import Rows

ELMAN_TANH, ELMAN_RELU, GRU, LSTM = range(4)  # as in recurra.h
SHARED = ("from_input", "bias", "from_state")


def _forward(
    cell: int, rows: Rows, x: Tensor, state: Tensors, weights: Tensors, keep: bool
) -> tuple[Tensor, Tensors, Tensors]:
    from_input, bias, from_state = weights[:3]
    state_bias = weights[3] if cell == GRU else None
    width = from_state.shape[1]
    u = torch.addmm(bias, x, from_input.T)
    y, last = x.new_empty(len(x), width), tuple(torch.empty_like(leaf) for leaf in state)
    kept: Tensors = ()
    if keep and cell == LSTM:
        kept = u, torch.empty_like(y)  # u is not needed again: its gates take its place
    elif keep and cell == GRU:
        kept = (x.new_empty(len(x), 4 * width),)
    rows.call(
        "recurrent_forward", width, cell, u, from_state.contiguous(), state_bias, *_two(state), y,
        *_two(last), *_two(kept),
    )  # fmt: skip
    return y, last, kept


def _backward(
    cell: int,
    rows: Rows,
    x: Tensor,
    state: Tensors,
    weights: Tensors,
    y: Tensor,
    kept: Tensors,
    grad_y: Tensor,
    grad_last: Tensors,
) -> tuple[Tensor, Tensors, Tensors]:
    from_input, _, from_state = weights[:3]
    grad_u = x.new_empty(len(x), len(from_input))
    grad_inner = torch.empty_like(y) if cell == GRU else None
    grad_state = tuple(torch.empty_like(leaf) for leaf in state)
    rows.call(
        "recurrent_backward", y.shape[1], cell, from_state.contiguous(), *_two(state), y,
        *_two(kept), grad_y, *_two(grad_last), grad_u, grad_inner, *_two(grad_state),
    )  # fmt: skip
    before = rows.before(y, state[0])
    grad_bias = grad_u.sum(0)
    if grad_inner is None:
        grad_weights: Tensors = (grad_u.T @ x, grad_bias, grad_u.T @ before)
    else:
        grad_from_state = torch.empty_like(from_state, memory_format=torch.contiguous_format)
        outer = 2 * y.shape[1]  # r and z; n sees the state through r
        torch.mm(grad_u[:, :outer].T, before, out=grad_from_state[:outer])
        torch.mm(grad_inner.T, before, out=grad_from_state[outer:])
        grad_weights = (grad_u.T @ x, grad_bias, grad_from_state, grad_inner.sum(0))
    return grad_u @ from_input, grad_state, grad_weights


def _two(tensors: Tensors) -> tuple[Tensor | None, Tensor | None]:
    """Return two, None where there are fewer."""
    first, second, *_ = *tensors, None, None
    return first, second


def _fused(cell: int, names: tuple[str, ...]) -> Fused:
    return Fused(names, partial(_forward, cell), partial(_backward, cell), LOOP)


ELMAN_KERNELS = {"tanh": _fused(ELMAN_TANH, SHARED), "relu": _fused(ELMAN_RELU, SHARED)}
GRU_KERNELS = _fused(GRU, (*SHARED, "state_bias"))
LSTM_KERNELS = _fused(LSTM, SHARED)
