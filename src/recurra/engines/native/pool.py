"""The attention pool as one step of a graph: torch multiplies, one pass over rows does the rest."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from recurra.engines.base import Lengths, traced
from recurra.engines.function import Function
from recurra.engines.fused import overwrite
from recurra.engines.native.library import missing
from recurra.engines.native.memory import fresh
from recurra.engines.native.product import add_product, product, transposed_product
from recurra.engines.native.rows import Rows
from recurra.inputs import impure, transformed

Exact = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def attention_pool(
    exact: Exact, y: Tensor, lengths: Lengths, weight: Tensor, bias: Tensor, score: Tensor
) -> Tensor | None:
    """Return Σ_t α_t y_t of each row, α = softmax(score · tanh(W y + b)).

    None where torch has to take the steps: under a transform or a trace, for other numbers than
    float32 on the CPU, for other sizes than these, without the library.

    Args:
        exact: (y, weight, bias, score) → the same by torch, for gradients of gradients.
        y: [batch, time, size]
        lengths: valid steps of each row, checked; None: all.
        weight: W [size, size]
        bias: b [size]
        score: [1, size]
    """
    if 0 in y.shape or traced() or transformed() or missing():
        return None
    tensors = (y, weight, bias, score)
    if any(t.dtype != torch.float32 or not t.is_cpu or impure(t) for t in tensors):
        return None
    size = y.shape[2]
    if [weight.shape, bias.shape, score.shape] != [(size, size), (size,), (1, size)]:
        return None
    if torch.is_autocast_enabled("cpu"):
        return None
    pooled: Tensor = _Pool.apply(exact, Rows.of(len(y), y.shape[1], lengths), *tensors)[0]
    return pooled


class _Pool(Function):
    """(y, W, b, score) → (pooled, and what backward needs: tanh u, α)."""

    @staticmethod
    def forward(
        exact: Exact, rows: Rows, y: Tensor, weight: Tensor, bias: Tensor, score: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        lines, size = rows.pack(y), y.shape[2]
        u = product(lines, weight.T, bias=bias)
        weights, pooled = y.new_empty(len(lines)), y.new_empty(len(y), size)
        rows.call("pool_forward", size, lines.contiguous(), u, score.contiguous(), weights, pooled)
        return pooled, u, weights

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.exact, ctx.rows, *tensors = inputs
        ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(*tensors, *output[1:])

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        *tensors, u, weights = ctx.saved_tensors
        again = torch.is_grad_enabled()  # a gradient of this gradient is wanted
        if again or transformed():  # or several gradients at once
            with torch.enable_grad():
                pooled = ctx.exact(*tensors)
            wanted = [tensor for tensor in tensors if tensor.requires_grad]
            found = iter(torch.autograd.grad(pooled, wanted, grad, create_graph=again))
            return None, None, *(next(found) if t.requires_grad else None for t in tensors)
        y, weight, _bias, score = tensors
        lines = ctx.rows.pack(y).contiguous()
        grad_u, grad_lines = overwrite(u), fresh(lines, *lines.shape)
        grad_each = torch.empty_like(grad, memory_format=torch.contiguous_format)
        ctx.rows.call(
            "pool_backward", y.shape[2], lines, u, score.contiguous(), weights, grad.contiguous(),
            grad_u, grad_lines, grad_each,
        )  # fmt: skip  # in recurra.h's order and lines
        of_y, of_weight, of_bias, of_score = ctx.needs_input_grad[2:]
        return (
            None,
            None,
            ctx.rows.unpack(add_product(grad_lines, grad_u, weight)) if of_y else None,
            transposed_product(grad_u, lines) if of_weight else None,
            grad_u.sum(0) if of_bias else None,
            grad_each.sum(0, keepdim=True) if of_score else None,
        )
