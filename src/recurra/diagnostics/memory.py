"""For how many steps a model remembers, told by what it does: its loss as its state is cut."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from recurra import tree
from recurra.diagnostics.intercept import Intercept, Reader
from recurra.diagnostics.losses import LossOf
from recurra.diagnostics.trace import Found

NEARLY = 0.05  # of what memory is worth: what a shorter context may lack


class Memory(NamedTuple):
    """The loss of a model whose states are taken back to their beginning every so many steps.

    Args:
        steps: the context that is left, in steps before each row's end; the last is the whole.
        losses: with it.
    """

    steps: list[int]
    losses: list[float]

    @property
    def worth(self) -> float:
        """The share of the loss of one step's context that the whole context takes away."""
        first, whole = self.losses[0], self.losses[-1]
        return (first - whole) / abs(first) if first else 0.0

    @property
    def effective(self) -> int:
        """The shortest context with all but a twentieth of what the whole one is worth."""
        first, whole = self.losses[0], self.losses[-1]
        for steps, loss in zip(self.steps, self.losses, strict=True):
            if loss <= whole + NEARLY * max(first - whole, 0.0):
                return steps
        return self.steps[-1]


class Ended(Exception):  # noqa: N818, no error: the model does other things than before
    """A model called its layers otherwise than when it was traced."""


class Cut(Intercept):
    """Begins each layer's state anew every so many steps, counted back from a row's end.

    Args:
        model: what is looked at.
        found: what was traced of its layers, with the same batch.
        context: steps that a state may remember.
    """

    def __init__(self, model: nn.Module, found: Mapping[str, Found], context: int) -> None:
        super().__init__(model)
        self.found, self.context = found, context
        self.calls = dict.fromkeys(found, 0)
        self.begun: dict[str, Any] = {}

    def read(
        self, reader: Reader, x: Tensor, state: Any, lengths: Tensor | None
    ) -> tuple[Tensor, Any]:
        """Read every stretch of a row as a row of its own, each from the row's first state."""
        name, number = reader.name, self.calls.get(reader.name, 0)
        known = self.found.get(name)
        if known is None or number >= len(known.calls):
            raise Ended
        self.calls[name] = number + 1
        place, offset = known.calls[number]
        if offset == 0:
            self.begun[name] = state
        sequence = known.sequences[place]
        size = lengths if lengths is not None else torch.full((len(x),), x.shape[1])
        whole = sequence.lengths
        total = torch.full((len(x),), sequence.length) if whole is None else whole.cpu()
        if tree.leaves(self.begun[name])[0].shape != tree.leaves(state)[0].shape:
            raise Ended
        rows, starts, sizes = stretches(size.cpu(), offset, total, self.context)
        index = starts[:, None] + torch.arange(max(int(sizes.max()), 1))
        some = x[rows[:, None], index.clamp(max=x.shape[1] - 1)]
        fresh = (starts > 0) | ((offset - total[rows]) % self.context == 0)
        first = tree.map(
            lambda begun, now: torch.where(
                fresh.to(now.device).view(-1, *[1] * (now.dim() - 1)), begun[rows], now[rows]
            ),
            self.begun[name],
            state,
        )
        even = bool((sizes == sizes[0]).all())
        y, after = reader.run(some, first, None if even else sizes)
        whole_y = y.new_zeros(*x.shape[:2], *y.shape[2:])
        valid = torch.arange(y.shape[1]) < sizes[:, None]
        whole_y[rows[:, None].expand_as(valid)[valid], index[valid]] = y[valid.to(y.device)]
        last = torch.zeros(len(x), dtype=torch.int64).index_put((rows,), torch.arange(len(rows)))
        return whole_y, tree.map(lambda leaf: leaf[last], after)


def stretches(
    lengths: Tensor, offset: int, total: Tensor, context: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return row, first step and size of each stretch between two beginnings, in rows' order.

    A row's state begins anew at the steps that lie a multiple of `context` before its end.
    """
    found = []
    for row, (size, end) in enumerate(zip(lengths.tolist(), total.tolist(), strict=True)):
        first = (end - offset) % context
        edges = [0, *range(first or context, size, context), size]
        found += [(row, a, b - a) for a, b in pairwise(edges)]
    rows, starts, sizes = torch.tensor(found).unbind(1)
    return rows, starts, sizes


def remembered(
    model: nn.Module, loss: LossOf, found: Mapping[str, Found], whole: float
) -> Memory | None:
    """Return the loss with ever longer contexts: 1, 2, 4, … steps; None where it cannot be cut."""
    longest = max((s.length for f in found.values() for s in f.sequences), default=0)
    if longest < 2:
        return None
    steps, losses, context = [], [], 1
    while context < longest:
        cut = Cut(model, found, context)
        try:
            with torch.no_grad(), cut:
                losses.append(float(loss()))
        except Ended:
            return None
        finally:
            cut.close()
        steps.append(context)
        context *= 2
    return Memory([*steps, longest], [*losses, whole])
