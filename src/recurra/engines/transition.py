"""h ← decay h + inject as one step of a graph, real or complex, whatever kernels scan it."""

from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor

from recurra.cells.base import Affine, LinearCell, Rotation, lift
from recurra.engines.affine import scan_affine
from recurra.engines.function import Function
from recurra.engines.fused import Rows
from recurra.inputs import transformed

Lines = Float[Tensor, "lines hidden"]
One = Float[Tensor, "batch hidden"]
Numbers = tuple[Tensor, ...]

# why not, of each cell that was asked once
TRANSITIONS: WeakKeyDictionary[LinearCell[Any], str | None] = WeakKeyDictionary()


class Scans(NamedTuple):
    """Kernels that scan lines.

    forward(rows, initial, fields) → (h of every step, h after each row's last one): fields are
    decay and inject, or the real and imaginary part of each; where they are complex, both parts of
    h lie side by side. backward(rows, initial, decay, h, grad_h, grad_last, wanted) → gradients of
    initial and of each field, None for those that are not wanted.
    """

    forward: Callable[..., tuple[Tensor, Tensor]]
    backward: Callable[..., tuple[Tensor | None, ...]]


def scan_transition(
    scans: Scans, rows: Rows, transition: Affine | Rotation, state: tuple[One, ...]
) -> tuple[tuple[Lines, ...], tuple[One, ...]]:
    """Return the leaves of the state after every step, and after each row's last one."""
    initial = torch.cat(state, dim=1) if len(state) > 1 else state[0].contiguous()
    h, last = _Scan.apply(scans, rows, initial, *transition)
    return h.chunk(len(state), dim=1), last.chunk(len(state), dim=1)


def uneven(cell: LinearCell[Any], x: Tensor) -> str | None:
    """Return why a cell's transition is not one that such kernels take; a cell is asked once.

    Asked at each call, one step would cost as much as many.
    """
    if cell not in TRANSITIONS:
        like = next(cell.parameters(), x)  # autocast is not at work here, nor its types
        with torch.no_grad(), torch.autocast(like.device.type, enabled=False):
            transition = cell.transition(lift(cell.project(like.new_zeros(1, cell.input_size))))
        TRANSITIONS[cell] = unlike(cell, transition, 1)
    return TRANSITIONS[cell]


def unlike(cell: LinearCell[Any], transition: Any, lines: int) -> str | None:
    """Return why this transition of so many lines is not one that such kernels take."""
    if not isinstance(transition, Affine | Rotation):
        return "its transition is no Affine, no Rotation"
    if any(leaf.shape != (lines, cell.hidden_size) for leaf in transition):
        return "its decay or inject is no vector"
    return None


class _Scan(Function):
    """The kernels as one step of a graph: (initial, fields) → (h, last)."""

    @staticmethod
    def forward(scans: Scans, rows: Rows, initial: Tensor, *given: Tensor) -> tuple[Tensor, Tensor]:
        return scans.forward(rows, initial, given)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.scans, ctx.rows, initial, *given = inputs
        decay = given[: len(given) // 2]
        ctx.save_for_backward(initial, output[0], *decay)

    @staticmethod
    def backward(ctx: Any, grad_h: Tensor, grad_last: Tensor) -> tuple[Tensor | None, ...]:
        initial, h, *decay = ctx.saved_tensors
        # a gradient of this gradient is wanted, or several gradients at once
        if torch.is_grad_enabled() or transformed():
            found = _adjoint(ctx.rows, tuple(decay), h, initial, grad_h, grad_last)
        else:
            grads = grad_h.contiguous(), grad_last.contiguous()
            wanted = ctx.needs_input_grad[3:]
            found = ctx.scans.backward(ctx.rows, initial, tuple(decay), h, *grads, wanted)
        return None, None, *found


def _adjoint(
    rows: Rows, decays: Numbers, h: Lines, initial: One, grad_h: Lines, grad_last: One
) -> tuple[Tensor, ...]:
    """Return the gradients of initial, decay and inject, in operations that have gradients.

    g_t = ∂h_t + conj(decay_{t+1}) ⊙ g_{t+1}. Past a row's end decay is 1: there g is grad_last.
    """
    parts = len(decays)
    decay = _number(decays)
    h, initial, grad_h, grad_last = (
        _number(lift(array).chunk(parts, dim=1)) for array in (h, initial, grad_h, grad_last)
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
