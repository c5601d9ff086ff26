"""Every linear cell, parallel over time: composed transitions in place of a loop over steps."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.checkpoint import checkpoint

from recurra import tree
from recurra.cells.base import Affine, Cell, LinearCell, Rotation, lift
from recurra.engines.affine import BLOCK, loops, scan_affine
from recurra.engines.base import Engine, Lengths, steps_unknown
from recurra.inputs import transformed

SEGMENT = 2**22  # numbers that the states of one segment of time may take together


def run(
    cell: Cell[Any], x: Float[Tensor, "batch time input"], state: Any, lengths: Lengths
) -> tuple[Float[Tensor, "batch time output"], Any]:
    """Unroll by composing transitions: work is linear in time, depth logarithmic.

    Of `Affine` and `Rotation` the gradient keeps decays and states. Of any other transition it
    keeps the states between segments of time, and computes the rest again on the way back.
    """
    assert isinstance(cell, LinearCell)
    time = x.shape[1]
    u = cell.project(x)
    with torch.no_grad():
        first = cell.transition(lift(u[:, :1]))
    size = time
    # a graph that is exported is for any batch, and has no memory to spare
    if not isinstance(first, Affine | Rotation) and not torch.compiler.is_exporting():
        numbers = max(sum(leaf.numel() for leaf in tree.leaves(part)) for part in (first, state))
        size = max(BLOCK, SEGMENT // max(numbers, 1))
    y, state = _segments(cell, u, state, lengths, size)
    if lengths is not None:
        beyond = torch.arange(time, device=x.device) >= lengths[:, None]
        y = y.masked_fill(beyond[..., None], 0)
    return y, state


def refuse(cell: Cell[Any], x: Tensor) -> str | None:
    """Refuse a cell whose step is not linear in its state, and a number of steps not yet known."""
    if not isinstance(cell, LinearCell):
        return f"{type(cell).__name__} is no LinearCell: its steps do not compose"
    return steps_unknown(x)


def _segments(
    cell: LinearCell[Any], u: Tensor, state: Any, lengths: Lengths, size: int
) -> tuple[Tensor, Any]:
    """Run segments of `size` steps, one after the other."""
    # torch.func knows no checkpoints
    forget = torch.is_grad_enabled() and u.shape[1] > size and not transformed()
    if forget:
        module = _Segment(cell)
        # The way back computes a segment again when a functional_call around this one is over:
        # the weights of now go along.
        weights = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    outputs = []
    for start in range(0, u.shape[1], size):
        part = u[:, start : start + size]
        left = None if lengths is None else (lengths - start).clamp(0, part.shape[1])
        if forget:
            arguments = (module, weights, (part, state, left))
            y, state = checkpoint(functional_call, *arguments, use_reentrant=False)
        else:
            y, state = _segment(cell, part, state, left)
        outputs.append(y)
    return torch.cat(outputs, dim=1), state


def _segment(cell: LinearCell[Any], u: Tensor, state: Any, lengths: Lengths) -> tuple[Tensor, Any]:
    """Run a stretch of time all of whose states are held at once."""
    # 16 bits would be rounded at every level of composition; a loop rounds once a step
    states = _states(cell.transition(lift(u)), tree.map(lift, state))
    states = tree.map(lambda new, old: new.to(old.dtype), states, state)
    return cell.read(u, states), _last(states, state, lengths)


class _Segment(nn.Module):
    """`_segment` as a module, for functional_call."""

    def __init__(self, cell: LinearCell[Any]) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, u: Tensor, state: Any, lengths: Lengths) -> tuple[Tensor, Any]:
        return _segment(self.cell, u, state, lengths)


def _states(transition: Any, state: Any) -> Any:
    """Return the states after each step, [batch time ...]."""
    if isinstance(transition, Affine):
        return type(state)(scan_affine(*transition, state[0]))
    if isinstance(transition, Rotation):
        decay, inject = torch.complex(*transition[:2]), torch.complex(*transition[2:])
        h = scan_affine(decay, inject, torch.complex(state[0], state[1]))
        return type(state)(*torch.view_as_real(h).unbind(-1))
    time = tree.leaves(transition)[0].shape[1]
    if loops(time, state):
        return _apply(_steps(transition, 1), state, 1)
    blocks, tail = divmod(time, BLOCK)
    steps = _steps(
        tree.map(lambda leaf: leaf[:, : time - tail].unflatten(1, (blocks, BLOCK)), transition), 2
    )
    total = steps[0]
    for step in steps[1:]:
        total = total.then(step)
    ends = _states(total, state)
    starts = tree.map(lambda one, all: torch.cat([one[:, None], all[:, :-1]], 1), state, ends)
    states = tree.map(lambda leaf: leaf.flatten(1, 2), _apply(steps, starts, 2))
    if tail == 0:
        return states
    rest = tree.map(lambda leaf: leaf[:, time - tail :], transition)
    rest = _states(rest, tree.map(lambda leaf: leaf[:, -1], ends))
    return tree.map(lambda *parts: torch.cat(parts, 1), states, rest)


def _steps(transition: Any, axis: int) -> list[Any]:
    """Return the transitions along an axis, one by one."""
    parts = zip(*(leaf.unbind(axis) for leaf in tree.leaves(transition)), strict=True)
    return [tree.unflatten(transition, list(part)) for part in parts]


def _apply(steps: list[Any], state: Any, axis: int) -> Any:
    """Return the states after each of `steps`, stacked along an axis."""
    states = []
    for step in steps:
        state = step.apply(state)
        states.append(state)
    return tree.map(lambda *leaves: torch.stack(leaves, axis), *states)


def _last(states: Any, before: Any, lengths: Lengths) -> Any:
    """Return the state after each row's last step; the one `before` where a row has none."""
    if lengths is None:
        # a copy: a view of the last state would keep all the others in memory
        return tree.map(lambda leaf: leaf[:, -1].clone(), states)
    rows = torch.arange(len(lengths), device=lengths.device)

    def pick(leaf: Tensor, old: Tensor) -> Tensor:
        moved = (lengths > 0).view(-1, *[1] * (old.dim() - 1))
        return torch.where(moved, leaf[rows, (lengths - 1).clamp(min=0)], old)

    return tree.map(pick, states, before)


SCAN = Engine("scan", run, refuse)
