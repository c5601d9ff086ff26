"""Gradient checkpointing through time: states between chunks are kept, the rest computed again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from recurra import tree
from recurra.engines.base import Lengths

Tensors = tuple[Tensor, ...]


class Run(NamedTuple):
    """A run in chunks: module(x, state, lengths=…) → outputs, state.

    Args:
        module: what runs a chunk; its weights go along, as they are now.
        names: of its weights.
        like: a state's structure, without tensors.
        lengths: valid steps of each row; None: all.
        every: steps of a chunk.
        cast: whether autocast is on, and to what.
        drawn: generators before each chunk, where it draws a number.
    """

    module: nn.Module
    names: list[str]
    like: Any
    lengths: Lengths
    every: int
    cast: tuple[str, torch.dtype, bool]
    drawn: list[Tensors | None]

    def chunk(self, index: int, x: Tensor, tensors: Tensors) -> Tensors:
        """Return outputs, and the leaves of the state after them.

        Args:
            index: of the chunk.
            x: its inputs.
            tensors: the leaves of the state before it, and the weights.
        """
        left = self.lengths
        if left is not None:
            left = (left - index * self.every).clamp(0, x.shape[1])
        end = len(tensors) - len(self.names)
        weights = dict(zip(self.names, tensors[end:], strict=True))
        state = tree.unflatten(self.like, list(tensors[:end]))
        y, after = functional_call(self.module, weights, (x, state), {"lengths": left})
        return y, *tree.leaves(after)


def recompute(
    module: nn.Module, x: Tensor, state: Any, lengths: Lengths, every: int
) -> tuple[Tensor, Any]:
    """Return what a module says, chunk after chunk; what a gradient needs is computed again.

    Memory is O(T / every) states and O(every) steps at a time, beside x and outputs; √T is the
    least of both. Chen et al. 2016, https://arxiv.org/abs/1604.06174, section 4.1; of recurrent
    networks Gruslys et al. 2016, https://arxiv.org/abs/1606.03401 (not traced). The second pass
    replays autocast and the random numbers of the first. Gradients add up in the order of a graph
    through all chunks, to the same bits.
    """
    weights = dict(module.named_parameters())
    kind = x.device.type
    cast = kind, torch.get_autocast_dtype(kind), torch.is_autocast_enabled(kind)
    like = tree.map(lambda _: None, state)
    run = Run(module, list(weights), like, lengths, every, cast, [])
    # torch gives it no type
    # torch does not annotate Function.apply
    y, *after = _Recomputed.apply(run, x, *tree.leaves(state), *weights.values())  # type: ignore[no-untyped-call]
    return y, tree.unflatten(like, after)


class _Recomputed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, run: Run, x: Tensor, *tensors: Tensor) -> Tensors:
        leaves = len(tensors) - len(run.names)
        state, weights = tensors[:leaves], tensors[leaves:]
        starts = list[Tensor]()
        y: Tensor | None = None
        for i, part in enumerate(torch.split(x, run.every, dim=1)):
            before = _generators(x)
            with torch.enable_grad():  # as the second pass: engines and kernels depend on it
                given = _given(part, state, weights, ctx.needs_input_grad[1:])
                outputs, *after = run.chunk(i, given[0], tuple(given[1:]))
            still = all(map(torch.equal, before, _generators(x)))
            run.drawn.append(None if still else before)
            if y is None:  # one piece of memory for all of them
                y = outputs.new_empty(x.shape[0], x.shape[1], *outputs.shape[2:])
            y[:, i * run.every : i * run.every + part.shape[1]] = outputs.detach()
            # a copy: what is a view of a chunk's memory would keep it
            state = tuple(leaf.detach().clone() for leaf in after)
            starts += state
        assert y is not None
        ctx.run = run
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, *tensors, *starts[: len(starts) - leaves])
        return y, *state

    @staticmethod
    def backward(ctx: Any, dy: Tensor | None, *dstate: Tensor | None) -> tuple[Any, ...]:
        run: Run = ctx.run
        saved = ctx.saved_tensors
        count = len(dstate) + len(run.names)
        x, tensors, starts = saved[0], saved[1 : 1 + count], saved[1 + count :]
        if torch.is_grad_enabled():  # a gradient of this gradient is wanted
            return None, *_graph(run, x, tensors, (dy, *dstate), ctx.needs_input_grad[1:])
        leaves = len(dstate)
        weights = tensors[leaves:]
        starts = [tensors[:leaves]] + [
            starts[k : k + leaves] for k in range(0, len(starts), leaves)
        ]
        needs = ctx.needs_input_grad[1:]
        dx = torch.empty_like(x) if needs[0] else None
        totals: list[Tensor | None] = [None] * len(weights)
        parts = torch.split(x, run.every, dim=1)
        for i in reversed(range(len(parts))):
            at = slice(i * run.every, i * run.every + parts[i].shape[1])
            given = _given(parts[i], starts[i], weights, needs)
            with torch.enable_grad(), _replayed(run, i, x):
                outputs = list(run.chunk(i, given[0], tuple(given[1:])))
                grads = [None if dy is None else dy[:, at], *dstate, *totals]
                # last in the graph, so first in the sum: what came of later chunks
                outputs += [w.view_as(w) for w in given[1 + leaves :]]
            found = iter(_gradients(outputs, grads, [g for g in given if g.requires_grad]))
            each = [next(found) if g.requires_grad else None for g in given]
            if dx is not None:
                dx[:, at] = 0 if each[0] is None else each[0]
            dstate, totals = tuple(each[1 : 1 + leaves]), each[1 + leaves :]
        first = (grad if need else None for grad, need in zip(dstate, needs[1:], strict=False))
        return None, dx, *first, *totals


def _given(x: Tensor, state: Tensors, weights: Tensors, needs: Sequence[bool]) -> list[Tensor]:
    """Return where a chunk's graph begins, with those gradients that are needed."""
    return [
        x.detach().requires_grad_(needs[0]),
        *(leaf.detach().requires_grad_(leaf.is_floating_point()) for leaf in state),
        *(
            weight.detach().requires_grad_(need)
            for weight, need in zip(weights, needs[1 + len(state) :], strict=True)
        ),
    ]


def _gradients(
    outputs: list[Tensor], grads: list[Tensor | None], given: list[Tensor], graph: bool = False
) -> list[Tensor | None]:
    """Return the gradients of what is given, from those outputs that have some."""
    pairs = [
        (output, grad)
        for output, grad in zip(outputs, grads, strict=True)
        if grad is not None and output.requires_grad
    ]
    if not pairs or not given:
        return [None] * len(given)
    ends, seeds = zip(*pairs, strict=True)
    return list(torch.autograd.grad(ends, given, seeds, allow_unused=True, create_graph=graph))


def _graph(
    run: Run, x: Tensor, tensors: Tensors, grads: tuple[Tensor | None, ...], needs: Sequence[bool]
) -> list[Tensor | None]:
    """Return gradients that have gradients: of a graph that keeps everything."""
    leaves = len(tensors) - len(run.names)
    state, outputs = tensors[:leaves], list[Tensor]()
    for i, part in enumerate(torch.split(x, run.every, dim=1)):
        with _replayed(run, i, x):
            y, *after = run.chunk(i, part, (*state, *tensors[leaves:]))
        outputs.append(y)
        state = tuple(after)
    given = [tensor for tensor, need in zip((x, *tensors), needs, strict=True) if need]
    found = iter(_gradients([torch.cat(outputs, 1), *state], list(grads), given, graph=True))
    return [next(found) if need else None for need in needs]


def _generators(x: Tensor) -> Tensors:
    """Return the states of the generators that a chunk may draw from."""
    here = (torch.get_rng_state(),)
    return (*here, torch.cuda.get_rng_state(x.device)) if x.is_cuda else here


@contextmanager
def _replayed(run: Run, index: int, x: Tensor) -> Iterator[None]:
    """Compute as the first pass did: as it was cast, and with the numbers that it drew."""
    kind, dtype, on = run.cast
    with torch.autocast(kind, dtype, enabled=on):
        drawn = run.drawn[index]
        if drawn is None:
            yield
            return
        with torch.random.fork_rng([x.device] if x.is_cuda else []):
            torch.set_rng_state(drawn[0])
            if x.is_cuda:
                torch.cuda.set_rng_state(drawn[1], x.device)
            yield
