"""h ← decay ⊙ h + inject by the native kernel, and its gradient by the reverse one."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from recurra.engines.affine import scan_affine
from recurra.engines.native.rows import Rows

Lines = Float[Tensor, "lines hidden"]
One = Float[Tensor, "batch hidden"]


def scan_lines(rows: Rows, decay: Lines, inject: Lines, initial: One) -> tuple[Lines, One]:
    """Return h of every step, and h after each row's last step."""
    # torch gives `apply` no types
    h: tuple[Tensor, Tensor] = _Scan.apply(  # type: ignore[no-untyped-call]
        rows, decay.contiguous(), inject.contiguous(), initial.contiguous()
    )
    return h


class _Scan(torch.autograd.Function):
    """The kernels as one step of a graph."""

    @staticmethod
    def forward(
        rows: Rows, decay: Tensor, inject: Tensor, initial: Tensor
    ) -> tuple[Tensor, Tensor]:
        h, last = torch.empty_like(inject), torch.empty_like(initial)
        rows.call("affine_forward", h.shape[1], decay, inject, initial, h, last)
        return h, last

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.rows, decay, _, initial = inputs
        ctx.save_for_backward(decay, output[0], initial)

    @staticmethod
    def backward(ctx: Any, grad_h: Tensor, grad_last: Tensor) -> tuple[Tensor | None, ...]:
        decay, h, initial = ctx.saved_tensors
        if torch.is_grad_enabled():  # a gradient of this gradient is wanted
            return None, *_adjoint(ctx.rows, decay, h, initial, grad_h, grad_last)
        grads = torch.empty_like(decay), torch.empty_like(h), torch.empty_like(initial)
        gradients = grad_h.contiguous(), grad_last.contiguous()
        ctx.rows.call("affine_backward", h.shape[1], decay, h, initial, *gradients, *grads)
        return None, *grads


def _adjoint(
    rows: Rows, decay: Lines, h: Lines, initial: One, grad_h: Lines, grad_last: One
) -> tuple[Lines, Lines, One]:
    """Return the gradients of decay, inject and initial, in operations that have gradients.

    g_t = ∂h_t + decay_{t+1} ⊙ g_{t+1}. Past a row's end decay is 1: there g is grad_last.
    """
    decay, h = rows.unpack(decay - 1) + 1, rows.unpack(h)
    later = torch.cat([decay[:, 1:], torch.ones_like(decay[:, :1])], dim=1)
    g = scan_affine(later.flip(1), rows.unpack(grad_h).flip(1), grad_last).flip(1)
    before = torch.cat([initial[:, None], h[:, :-1]], dim=1)
    return rows.pack(g * before), rows.pack(g), decay[:, 0] * g[:, 0]
