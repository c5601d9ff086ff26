"""Gradient checkpointing through time: states between chunks are kept, the rest computed again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.func import functional_call

from recurra import tree
from recurra.engines.base import Lengths

Tensors = tuple[Tensor, ...]
T = TypeVar("T")


class Run(NamedTuple):
    """A run in chunks: module(x, state, *others, lengths=…) → outputs, state.

    Args:
        module: what runs a chunk; its weights go along, as they are now.
        sequences: how many tensors are cut into chunks: x, and others beside it.
        names: of its weights.
        like: a state's structure, without tensors.
        lengths: valid steps of each row; None: all.
        every: steps of a chunk.
        cast: whether autocast is on, and to what.
        drawn: generators before each chunk, where it draws a number.
    """

    module: nn.Module
    sequences: int
    names: list[str]
    like: Any
    lengths: Lengths
    every: int
    cast: tuple[str, torch.dtype, bool]
    drawn: list[Tensors | None]

    def parts(self, tensors: Sequence[T]) -> tuple[Sequence[T], Sequence[T], Sequence[T]]:
        """Return what belongs to sequences, to the leaves of a state, and to weights."""
        end = len(tensors) - len(self.names)
        return tensors[: self.sequences], tensors[self.sequences : end], tensors[end:]

    def cut(self, sequences: Sequence[Tensor]) -> list[Tensors]:
        """Return the chunks, in order, of all sequences."""
        parts = (torch.split(sequence, self.every, dim=1) for sequence in sequences)
        return list(zip(*parts, strict=True))

    def chunk(self, index: int, tensors: Sequence[Tensor]) -> Tensors:
        """Return outputs, and the leaves of the state after them.

        Args:
            index: of the chunk.
            tensors: its part of the sequences, the leaves of the state before it, the weights.
        """
        (x, *others), leaves, values = self.parts(tensors)
        left = self.lengths
        if left is not None:
            left = (left - index * self.every).clamp(0, x.shape[1])
        weights = dict(zip(self.names, values, strict=True))
        state = tree.unflatten(self.like, list(leaves))
        y, after = functional_call(self.module, weights, (x, state, *others), {"lengths": left})
        return y, *tree.leaves(after)


def recompute(
    module: nn.Module, x: Tensor, state: Any, lengths: Lengths, every: int, *others: Tensor
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
    run = Run(module, 1 + len(others), list(weights), like, lengths, every, cast, [])
    # torch does not annotate Function.apply
    y, *after = _Recomputed.apply(run, x, *others, *tree.leaves(state), *weights.values())  # type: ignore[no-untyped-call]
    return y, tree.unflatten(like, after)


class _Recomputed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, run: Run, *tensors: Tensor) -> Tensors:
        sequences, state, weights = run.parts(tensors)
        x, chunks = sequences[0], run.cut(sequences)
        # in one piece, made first: small things between large ones would break the memory up
        starts = [leaf.new_empty(len(chunks) - 1, *leaf.shape) for leaf in state]
        y: Tensor | None = None
        for i, parts in enumerate(chunks):
            if i:
                state = tuple(kept[i - 1].copy_(s) for kept, s in zip(starts, state, strict=True))
            before = _generators(x)
            with torch.enable_grad():  # as the second pass: engines and kernels depend on it
                given = _given(run, (*parts, *state, *weights), ctx.needs_input_grad[1:])
                outputs, *after = run.chunk(i, given)
            still = all(map(torch.equal, before, _generators(x)))
            run.drawn.append(None if still else before)
            if y is None:  # one piece of memory for all of them
                y = outputs.new_empty(x.shape[0], x.shape[1], *outputs.shape[2:])
            y[:, i * run.every : i * run.every + parts[0].shape[1]] = outputs.detach()
            state = tuple(leaf.detach() for leaf in after)
        assert y is not None
        ctx.run = run
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors, *starts)
        # a copy: what is a view of a chunk's memory would keep it
        return y, *(leaf.clone() for leaf in state)

    @staticmethod
    def backward(ctx: Any, dy: Tensor | None, *dstate: Tensor | None) -> tuple[Any, ...]:
        run: Run = ctx.run
        saved, needs = ctx.saved_tensors, ctx.needs_input_grad[1:]
        count = len(needs)
        tensors, starts = saved[:count], saved[count:]
        if torch.is_grad_enabled():  # a gradient of this gradient is wanted
            return None, *_graph(run, tensors, (dy, *dstate), needs)
        sequences, first, weights = run.parts(tensors)
        wanted, at_first, _ = run.parts(needs)
        dx = [
            torch.empty_like(x) if need else None for x, need in zip(sequences, wanted, strict=True)
        ]
        totals: Sequence[Tensor | None] = [None] * len(weights)
        chunks = run.cut(sequences)
        for i in reversed(range(len(chunks))):
            at = slice(i * run.every, i * run.every + chunks[i][0].shape[1])
            start = [kept[i - 1] for kept in starts] if i else first
            given = _given(run, (*chunks[i], *start, *weights), needs)
            with torch.enable_grad(), _replayed(run, i, sequences[0]):
                outputs = list(run.chunk(i, given))
                grads = [None if dy is None else dy[:, at], *dstate, *totals]
                # last in the graph, so first in the sum: what came of later chunks
                outputs += [weight.view_as(weight) for weight in run.parts(given)[2]]
            found = iter(_gradients(outputs, grads, [g for g in given if g.requires_grad]))
            grads = [next(found) if g.requires_grad else None for g in given]
            each, carried, totals = run.parts(grads)
            dstate = tuple(carried)
            for whole, part in zip(dx, each, strict=True):
                if whole is not None:
                    whole[:, at] = 0 if part is None else part
        begun = (grad if need else None for grad, need in zip(dstate, at_first, strict=True))
        return None, *dx, *begun, *totals


def _given(run: Run, tensors: Sequence[Tensor], needs: Sequence[bool]) -> list[Tensor]:
    """Return where a chunk's graph begins, with those gradients that are needed."""
    (sequences, state, weights), (x_needs, _, w_needs) = run.parts(tensors), run.parts(needs)
    pairs = [
        *zip(sequences, x_needs, strict=True),
        *((leaf, leaf.is_floating_point()) for leaf in state),
        *zip(weights, w_needs, strict=True),
    ]
    return [tensor.detach().requires_grad_(need) for tensor, need in pairs]


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
    run: Run, tensors: Tensors, grads: tuple[Tensor | None, ...], needs: Sequence[bool]
) -> list[Tensor | None]:
    """Return gradients that have gradients: of a graph that keeps everything."""
    sequences, state, weights = run.parts(tensors)
    outputs = list[Tensor]()
    for i, parts in enumerate(run.cut(sequences)):
        with _replayed(run, i, sequences[0]):
            y, *state = run.chunk(i, (*parts, *state, *weights))
        outputs.append(y)
    given = [tensor for tensor, need in zip(tensors, needs, strict=True) if need]
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
