"""RGLRU: matrix products, one for each head's gates, then gates and scan in one pass."""

from typing import Any

import torch
from torch import Tensor, nn

from recurra.cells.base import Cell, lift
from recurra.cells.heads import block_linear
from recurra.cells.rglru import C
from recurra.engines.fused import Fused, Gradients, Tensors
from recurra.engines.scan import SCAN
from recurra.engines.triton import real
from recurra.engines.triton.padded import Padded
from recurra.engines.triton.scan import in_lines, launch, sums

NAMES = ("decay", "from_input", "bias", "gates", "gate_bias")


def _forward(
    rows: Padded, x: Tensor, state: Tensors, weights: Tensors, keep: bool
) -> tuple[Tensor, Tensors, Tensors]:
    decay, from_input, bias, gates, gate_bias = weights
    (initial,) = state
    v = nn.functional.linear(x, from_input, bias)
    u = in_lines(block_linear(v, gates))  # r and i, without their bias
    h, last = initial.new_empty(len(x), len(bias)), torch.empty_like(initial)
    fields = _fields(v, u, gate_bias, decay)
    launch(real.forward, rows, initial, len(bias), *fields, h, last, CELL="rglru")
    return h, (last,), (v, u) if keep else ()


def _backward(
    rows: Padded,
    x: Tensor,
    state: Tensors,
    weights: Tensors,
    h: Tensor,
    kept: Tensors,
    grad_h: Tensor,
    grad_last: Tensors,
) -> tuple[Tensor | None, Gradients, Gradients]:
    decay, from_input, bias, gates, gate_bias = weights
    (initial,), (v, u), width = state, kept, len(bias)
    grad, grad_initial = v.new_empty(len(v), 3 * width), torch.empty_like(initial)
    shares = sums(rows, v, width, 3)
    launch(
        real.backward, rows, initial, width, *_fields(v, u, gate_bias, decay), h, grad_h,
        *grad_last, *grad.chunk(3, dim=1), grad.stride(0), shares, grad_initial,
        few=True, CELL="rglru",
    )  # fmt: skip  # in the kernel's order and lines
    grad_gate_bias, grad_log = shares[:2].sum(1).flatten(), shares[2].sum(0)
    # of each gate and head: [gates heads lines size]
    of_gates = grad[:, width:].view(len(v), *gates.shape[:3]).permute(1, 2, 0, 3)
    of_heads = v.view(len(v), *gates.shape[1:3]).transpose(0, 1)
    grad_gates = of_gates.mT @ of_heads
    through = (of_gates @ gates.to(v.dtype)).sum(0)
    grad_v = grad[:, :width] + through.transpose(0, 1).flatten(1)
    grad_x = grad_v @ from_input.to(v.dtype) if x.requires_grad else None
    grad_decay = grad_log * C * torch.sigmoid(-lift(decay))
    grad_from_input = grad_v.T @ x.to(v.dtype)
    gradients = grad_decay, grad_from_input, grad_v.sum(0), grad_gates, grad_gate_bias
    return grad_x, (grad_initial,), gradients


def _fields(v: Tensor, u: Tensor, gate_bias: Tensor, decay: Tensor) -> tuple[Any, ...]:
    """Return the fields of a line, with their strides, and the constants, in the kernels' order."""
    constants = torch.cat([lift(gate_bias), C * nn.functional.logsigmoid(lift(decay))])
    return v, v.stride(0), u, u.stride(0), u[:, v.shape[1] :], constants


def fused(_cell: Cell[Any]) -> Fused:
    """Return the kernels."""
    return Fused(NAMES, _forward, _backward, SCAN)
