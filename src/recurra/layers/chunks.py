"""A sequence in chunks of steps: what is done with a gradient, or forgotten, between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from recurra import tree
from recurra.cells.base import Cell
from recurra.engines import checked
from recurra.engines.base import Lengths, traced
from recurra.engines.hooks import hooked
from recurra.errors import InputError
from recurra.inputs import transformed
from recurra.layers.recompute import recompute

Way = Callable[..., tuple[Tensor, Any]]


class Called(nn.Module):
    """A function of a cell as a module, whose weights `functional_call` can replace for a call."""

    def __init__(self, cell: Cell[Any], way: Callable[..., Any]) -> None:
        super().__init__()
        self.cell, self.way = cell, way

    def forward(self, *args: Any, **options: Any) -> Any:
        """Return what the function says."""
        return self.way(self.cell, *args, **options)


def recomputed(
    way: Way, every: int, multiple: int, cell: Cell[Any], x: Tensor, state: Any, *, lengths: Lengths
) -> tuple[Tensor, Any]:
    """Unroll a cell; for the gradient keep the states between chunks, and compute the rest again.

    Args:
        way: how a chunk is unrolled.
        every: steps of a chunk; -1: √T, the least memory.
        multiple: of which √T is rounded to one.
        cell: the recurrence.
        x: inputs.
        state: where to begin.
        lengths: valid steps of each row; None: all.
    """
    state, lengths = checked(cell, x, state, lengths)
    # a graph keeps what it keeps, and torch.func knows no gradient that is not a graph's
    if traced() or transformed() or not torch.is_grad_enabled():
        return way(cell, x, state, lengths=lengths)
    if every < 0:
        every = multiple * math.ceil(math.sqrt(x.shape[1]) / multiple)
    if x.shape[1] <= every or not len(x):
        return way(cell, x, state, lengths=lengths)
    refuse_hooks("checkpoint_every", cell)
    return recompute(Called(cell, way), x, state, lengths, every)


def clipped(
    way: Way, bound: float, every: int, cell: Cell[Any], x: Tensor, state: Any, *, lengths: Lengths
) -> tuple[Tensor, Any]:
    """Unroll a cell; clip the gradient that flows back into each state that a chunk begins from.

    Args:
        way: how a chunk is unrolled.
        bound: of the gradient's norm, of each row.
        every: steps of a chunk.
        cell: the recurrence.
        x: inputs.
        state: where to begin.
        lengths: valid steps of each row; None: all.
    Raises:
        ValueError: the cell has hooks, or a transform of torch.func is at work.
    """
    state, lengths = checked(cell, x, state, lengths)
    if not torch.is_grad_enabled() or not x.shape[1]:
        return way(cell, x, state, lengths=lengths)
    if transformed():
        raise InputError("clip_state has no rule for transforms of torch.func; set it to 0 there")
    refuse_hooks("clip_state", cell)
    outputs = []
    for part, left in chunks(x, lengths, every):
        # torch gives it no type
        # torch does not annotate Function.apply
        leaves = _Clip.apply(bound, *tree.leaves(state))  # type: ignore[no-untyped-call]
        y, state = way(cell, part, tree.unflatten(state, list(leaves)), lengths=left)
        outputs.append(y)
    return torch.cat(outputs, dim=1), state


def check_chunks(checkpoint_every: int, clip_state: float, clip_every: int) -> None:
    """Check what a layer's gradient is to be.

    Raises:
        ValueError: a number is out of range, or a checkpoint would lie between two clippings.
    """
    for name, value, least in [
        ("checkpoint_every", checkpoint_every, -1),
        ("clip_every", clip_every, 1),
    ]:
        if type(value) is not int or value < least:
            raise InputError(f"{name} is {value!r}; it is a whole number of steps, {least} or more")
    if isinstance(clip_state, bool) or not isinstance(clip_state, int | float):
        raise InputError(f"clip_state is {clip_state!r}; it is a number, 0 or more")
    if not 0 <= clip_state < math.inf:
        raise InputError(f"clip_state is {clip_state}; it is a number, 0 or more")
    if clip_state and checkpoint_every > 0 and checkpoint_every % clip_every:
        raise InputError(
            f"checkpoint_every is {checkpoint_every}, and clip_every {clip_every}; "
            "make it a multiple of that"
        )


def chunks(x: Tensor, lengths: Lengths, every: int) -> Iterator[tuple[Tensor, Lengths]]:
    """Yield each chunk of steps, and how many of them are valid in each row."""
    for i, part in enumerate(torch.split(x, every, dim=1)):
        left = None if lengths is None else (lengths - i * every).clamp(0, part.shape[1])
        yield part, left


def refuse_hooks(option: str, cell: Cell[Any]) -> None:
    """Refuse a cell whose hooks run around a whole sequence.

    Raises:
        ValueError: it has hooks or parametrizations.
    """
    if hooked(cell):
        raise InputError(
            f"{option}: {type(cell).__name__} has hooks or parametrizations, which run once "
            f"around a whole sequence, not around its chunks; set {option} to 0"
        )


class _Clip(torch.autograd.Function):
    """Nothing, whose gradient is g · min(1, bound / ‖g‖) of each row, over all of its tensors."""

    @staticmethod
    def forward(ctx: Any, bound: float, *leaves: Tensor) -> tuple[Tensor, ...]:
        ctx.bound = bound
        ctx.set_materialize_grads(False)
        return tuple(leaf.view_as(leaf) for leaf in leaves)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        given = [grad for grad in grads if grad is not None]
        squares = [grad.flatten(1).double().square().sum(1) for grad in given]
        norm = torch.stack(squares).sum(0).sqrt()
        scale = ctx.bound / norm.clamp(min=ctx.bound)  # of a NaN it is NaN
        return None, *(
            None if grad is None else grad * scale.to(grad.dtype).view(-1, *[1] * (grad.dim() - 1))
            for grad in grads
        )
