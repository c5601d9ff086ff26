"""RGLRU: matrix products, one for each head's gates, then gates and scan in one pass."""

import ctypes
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from recurra.cells.rglru import C
from recurra.engines.fused import Fused, Gradients, Tensors, overwrite
from recurra.engines.native.fields import RGLRU, fields
from recurra.engines.native.memory import fresh
from recurra.engines.native.product import add_product, product, rounded, transposed_product
from recurra.engines.native.rows import Rows
from recurra.engines.scan import SCAN

NAMES = ("decay", "from_input", "bias", "gates", "gate_bias")


def _forward(
    rows: Rows, x: Tensor, state: Tensors, weights: Tensors, keep: bool
) -> tuple[Tensor, Tensors, Tensors]:
    decay, from_input, bias, gates, gate_bias = weights
    (initial,) = state
    v = product(x, from_input.T, bias=bias)
    u = fresh(v, len(x), len(gate_bias))  # r and i, without their bias
    factor = rounded(v, x.dtype)
    for kind, head, columns in _blocks(gates):
        product(_head(factor, head, gates), gates[kind, head].T, out=u[:, columns])
    h, last = fresh(v, len(x), len(bias)), torch.empty_like(initial)
    rows.call("scan_forward", len(bias), RGLRU, _fields(v, u, gate_bias, decay), initial, h, last)
    return h, (last,), (v, u) if keep else ()


def _backward(
    rows: Rows,
    x: Tensor,
    state: Tensors,
    weights: Tensors,
    h: Tensor,
    kept: Tensors,
    grad_h: Tensor,
    grad_last: Tensors,
) -> tuple[Tensor | None, Gradients, Gradients]:
    decay, from_input, bias, gates, gate_bias = weights
    (initial,), (v, u) = state, kept
    grad_v, grad_u = fresh(v, *v.shape), overwrite(u)
    grad_gate_bias = torch.empty_like(gate_bias)
    grad_log, grad_initial = torch.empty_like(decay), torch.empty_like(initial)
    sums = (None, *grad_gate_bias.chunk(2))
    wanted = zip((grad_v, *grad_u.chunk(2, dim=1)), sums, strict=True)
    rows.call(
        "scan_backward", len(bias), RGLRU, _fields(v, u, gate_bias, decay), initial, h, grad_h,
        *grad_last, fields(*wanted, (None, grad_log)), grad_initial,
    )  # fmt: skip  # in recurra.h's order and lines
    grad_gates = torch.empty_like(gates, memory_format=torch.contiguous_format)
    of_u, factor = rounded(grad_u, x.dtype), rounded(v, x.dtype)
    for kind, head, columns in _blocks(gates):
        grad_gates[kind, head] = transposed_product(of_u[:, columns], _head(factor, head, gates))
        add_product(_head(grad_v, head, gates), of_u[:, columns], gates[kind, head])
    of_v = rounded(grad_v, x.dtype)
    grad_x = product(of_v, from_input) if x.requires_grad else None
    grad_decay = grad_log * C * torch.sigmoid(-decay)
    gradients = grad_decay, transposed_product(of_v, x), grad_v.sum(0), grad_gates, grad_gate_bias
    return grad_x, (grad_initial,), gradients


def _fields(v: Tensor, u: Tensor, gate_bias: Tensor, decay: Tensor) -> ctypes.Array[Any]:
    both = zip(u.chunk(2, dim=1), gate_bias.chunk(2), strict=True)
    return fields((v, None), *both, (None, C * nn.functional.logsigmoid(decay)))


def _blocks(gates: Tensor) -> Iterator[tuple[int, int, slice]]:
    """Yield each block's gate, head, and columns in u."""
    kinds, heads, size, _ = gates.shape
    for kind in range(kinds):
        for head in range(heads):
            start = (kind * heads + head) * size
            yield kind, head, slice(start, start + size)


def _head(v: Tensor, head: int, gates: Tensor) -> Tensor:
    """Return the columns of one head."""
    size = gates.shape[2]
    return v[:, head * size : (head + 1) * size]


RGLRU_KERNELS = Fused(NAMES, _forward, _backward, SCAN)
