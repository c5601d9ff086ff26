"""h ← decay ⊙ h + inject at all times at once, keeping only decay and h for the gradient."""

from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor

from recurra import tree
from recurra.engines.base import traced
from recurra.inputs import jit_traced, transformed

Steps = Shaped[Tensor, "batch time *state"]
One = Shaped[Tensor, "batch *state"]

BLOCK = 16  # steps in a block; 8 to 64 are equally fast
WIDE = 16_384  # numbers in one step from which a CPU gains nothing by taking several steps at once


def loops(time: int, state: Any) -> bool:
    """Return whether a loop over `time` steps is as fast as blocks of steps."""
    if time <= 2 * BLOCK:
        return True
    leaves = tree.leaves(state)
    return leaves[0].device.type == "cpu" and max(leaf.numel() for leaf in leaves) >= WIDE


def scan_affine(decay: Shaped[Tensor, "*decay"], inject: Steps, initial: One) -> Steps:
    """Return every h of h_t = decay_t ⊙ h_{t−1} + inject_t, from h before the first step.

    Blelloch 1990, "Prefix sums and their applications", section 1.4, with blocks of 16 where he
    has pairs: work is linear in time, depth logarithmic. The gradient is the same scan in reverse
    time, g_t = ∂h_t + decay_{t+1} ⊙ g_{t+1}, and can be differentiated again. Where decay does not
    depend on the step it may have fewer axes.
    """
    dtype = torch.promote_types(torch.promote_types(decay.dtype, inject.dtype), initial.dtype)
    # torch gives these calls no types
    decay, inject = torch.broadcast_tensors(decay.to(dtype), inject.to(dtype))  # type: ignore[no-untyped-call]
    # step by step, in operations that these know
    if transformed() or jit_traced() or torch.compiler.is_exporting():
        return _followed(decay, inject, initial.to(dtype), backwards=False)
    # torch gives `apply` no types
    h: Tensor = _Scan.apply(decay, inject, initial.to(dtype))  # type: ignore[no-untyped-call]
    return h


class _Scan(torch.autograd.Function):
    """h_t = decay_t ⊙ h_{t−1} + inject_t."""

    @staticmethod
    def forward(decay: Tensor, inject: Tensor, initial: Tensor) -> Tensor:
        h = torch.empty_like(inject, memory_format=torch.contiguous_format)
        _fill(h, decay, inject, initial, backwards=False)
        return h

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        decay, _, initial = inputs
        ctx.save_for_backward(decay, output, initial)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        decay, h, initial = ctx.saved_tensors
        if transformed():  # several gradients at once
            later = torch.cat([decay[:, 1:], torch.ones_like(decay[:, :1])], dim=1).conj()
            g = _followed(later, grad, torch.zeros_like(grad[:, 0]), backwards=True)
        else:
            # torch gives `apply` no types
            g = _Adjoint.apply(decay.conj(), grad)  # type: ignore[no-untyped-call]
        return (
            _times_previous(g, h, initial) if ctx.needs_input_grad[0] else None,
            g,
            decay[:, 0].conj() * g[:, 0] if ctx.needs_input_grad[2] else None,
        )


class _Adjoint(torch.autograd.Function):
    """g_t = decay_{t+1} ⊙ g_{t+1} + grad_t, from the last step to the first."""

    @staticmethod
    def forward(decay: Tensor, grad: Tensor) -> Tensor:
        g = torch.empty_like(grad, memory_format=torch.contiguous_format)
        g[:, -1] = grad[:, -1]
        _fill(g[:, :-1], decay[:, 1:], grad[:, :-1], grad[:, -1], backwards=True)
        return g

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0], output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        decay, g = ctx.saved_tensors
        nothing = torch.zeros_like(grad[:, 0])
        p = scan_affine(decay.conj(), grad, nothing)
        wanted = ctx.needs_input_grad[0]
        return _times_previous(g, p, nothing).conj() if wanted else None, p


def _followed(decay: Tensor, inject: Tensor, state: Tensor, *, backwards: bool) -> Steps:
    """Return the recurrence step by step, in the direction of time or against it."""
    steps = list(zip(decay.unbind(1), inject.unbind(1), strict=True))
    states = []
    for a, b in reversed(steps) if backwards else steps:
        state = torch.addcmul(b, a, state)
        states.append(state)
    return torch.stack(states[::-1] if backwards else states, dim=1)


def _times_previous(g: Tensor, h: Tensor, initial: Tensor) -> Tensor:
    """Return g_t ⊙ conj(h_{t−1})."""
    return g * torch.cat([initial[:, None], h[:, :-1]], dim=1).conj()


def _fill(h: Tensor, decay: Tensor, inject: Tensor, state: Tensor, *, backwards: bool) -> None:
    """Write the recurrence into `h`, in the direction of time or against it."""
    time = decay.shape[1]
    if loops(time, state):
        steps = list(zip(h.unbind(1), decay.unbind(1), inject.unbind(1), strict=True))
        for h_t, a_t, b_t in reversed(steps) if backwards else steps:
            state = _step(h_t, a_t, b_t, state)
        return
    blocks, tail = divmod(time, BLOCK)
    inside, rest = slice(0, time - tail), slice(time - tail, time)
    if backwards:
        inside, rest = slice(tail, time), slice(0, tail)
    outs, a, b = (_by_step(x[:, inside], blocks, backwards) for x in (h, decay, inject))

    decays, injects = a[0].clone(), b[0].clone()  # of whole blocks
    for a_j, b_j in zip(a[1:], b[1:], strict=True):
        decays.mul_(a_j)
        _step(injects, a_j, b_j, injects)
    ends = torch.empty_like(injects)
    _fill(ends, decays, injects, state, backwards=backwards)

    if backwards:
        end, starts = ends[:, 0], torch.cat([ends[:, 1:], state[:, None]], dim=1)
    else:
        end, starts = ends[:, -1], torch.cat([state[:, None], ends[:, :-1]], dim=1)
    for out_j, a_j, b_j in zip(outs[:-1], a[:-1], b[:-1], strict=True):
        starts = _step(out_j, a_j, b_j, starts)
    outs[-1].copy_(ends)
    _fill(h[:, rest], decay[:, rest], inject[:, rest], end, backwards=backwards)


def _step(out: Tensor, decay: Tensor, inject: Tensor, state: Tensor) -> Tensor:
    """Return the next state, which is written to `out`."""
    if traced():  # a graph writes to no strided memory of its own
        state = torch.addcmul(inject, decay, state)
        out.copy_(state)
        return state
    return torch.addcmul(inject, decay, state, out=out)


def _by_step(x: Tensor, blocks: int, backwards: bool) -> tuple[Tensor, ...]:
    """Return, for each step of a block, its slice over all blocks: [batch blocks ...] each."""
    steps = x.view(x.shape[0], blocks, BLOCK, *x.shape[2:]).unbind(2)
    return steps[::-1] if backwards else steps
