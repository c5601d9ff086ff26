"""h ← decay h + inject by the native kernels, real or complex, and its gradient."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from recurra.cells.base import Affine, Rotation
from recurra.engines.affine import scan_affine
from recurra.engines.function import Function
from recurra.engines.native.fields import AFFINE, ROTATION, fields, in_lines
from recurra.engines.native.memory import fresh
from recurra.engines.native.rows import Rows
from recurra.inputs import transformed

Lines = Float[Tensor, "lines hidden"]
One = Float[Tensor, "batch hidden"]
Numbers = tuple[Tensor, ...]


def scan_transition(
    rows: Rows, transition: Affine | Rotation, state: tuple[One, ...]
) -> tuple[tuple[Lines, ...], tuple[One, ...]]:
    """Return the leaves of the state after every step, and after each row's last one."""
    if isinstance(transition, Affine):
        h, last = scan_lines(rows, *transition, state[0])
        return (h,), (last,)
    h, last = _Scan.apply(rows, torch.cat(state, dim=1), *transition)
    return h.chunk(2, dim=1), last.chunk(2, dim=1)


def scan_lines(rows: Rows, decay: Lines, inject: Lines, initial: One) -> tuple[Lines, One]:
    """Return h of every step, and h after each row's last step."""
    h: tuple[Tensor, Tensor] = _Scan.apply(rows, initial.contiguous(), decay, inject)
    return h


class _Scan(Function):
    """The kernels as one step of a graph: (initial, fields) → (h, last)."""

    @staticmethod
    def forward(rows: Rows, initial: Tensor, *given: Tensor) -> tuple[Tensor, Tensor]:
        h, last = fresh(initial, len(given[0]), initial.shape[1]), torch.empty_like(initial)
        arrays = [in_lines(array) for array in given]
        taken = fields(*((array, None) for array in arrays))
        rows.call("scan_forward", given[0].shape[1], _cell(given), taken, initial, h, last)
        return h, last

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.rows, initial, *given = inputs
        decay = given[: len(given) // 2]
        ctx.save_for_backward(initial, output[0], *decay)

    @staticmethod
    def backward(ctx: Any, grad_h: Tensor, grad_last: Tensor) -> tuple[Tensor | None, ...]:
        initial, h, *decay = ctx.saved_tensors
        # a gradient of this gradient is wanted, or several gradients at once
        if torch.is_grad_enabled() or transformed():
            return None, *_adjoint(ctx.rows, tuple(decay), h, initial, grad_h, grad_last)
        arrays = [in_lines(array) for array in decay]
        grad_initial = torch.empty_like(initial)
        grads = [
            fresh(h, len(h), decay[0].shape[1]) if wanted else None
            for wanted in ctx.needs_input_grad[2:]
        ]
        nothing = [(None, None)] * len(decay)  # inject is of no use here
        ctx.rows.call(
            "scan_backward", decay[0].shape[1], _cell(grads),
            fields(*((array, None) for array in arrays), *nothing), initial, h,
            grad_h.contiguous(), grad_last.contiguous(),
            fields(*((grad, None) for grad in grads)), grad_initial,
        )  # fmt: skip  # in recurra.h's order and lines
        return None, grad_initial, *grads


def _cell(given: Any) -> int:
    return AFFINE if len(given) == 2 else ROTATION


def _adjoint(
    rows: Rows, decays: Numbers, h: Lines, initial: One, grad_h: Lines, grad_last: One
) -> tuple[Tensor, ...]:
    """Return the gradients of initial, decay and inject, in operations that have gradients.

    g_t = ∂h_t + conj(decay_{t+1}) ⊙ g_{t+1}. Past a row's end decay is 1: there g is grad_last.
    """
    parts = len(decays)
    decay = _number(decays)
    h, initial, grad_h, grad_last = (
        _number(array.chunk(parts, dim=1)) for array in (h, initial, grad_h, grad_last)
    )
    decay, h = rows.unpack(decay - 1) + 1, rows.unpack(h)
    later = torch.cat([decay[:, 1:], torch.ones_like(decay[:, :1])], dim=1).conj()
    g = scan_affine(later.flip(1), rows.unpack(grad_h).flip(1), grad_last).flip(1)
    before = torch.cat([initial[:, None], h[:, :-1]], dim=1)
    of_decay, of_inject = rows.pack(g * before.conj()), rows.pack(g)
    of_initial = torch.cat(_parts(decay[:, 0].conj() * g[:, 0]), dim=1)
    return of_initial, *_parts(of_decay), *_parts(of_inject)


def _number(parts: Numbers) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.complex(*parts)


def _parts(number: Tensor) -> Numbers:
    return (number.real, number.imag) if number.is_complex() else (number,)
