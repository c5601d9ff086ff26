"""Recordings of a cell's steps at one size, and the memory that they read and write."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from recurra import tree
from recurra.cells.base import Cell
from recurra.engines.base import Lengths
from recurra.engines.graph.recorder import Recording, memory, record
from recurra.engines.graph.replica import Replica, tensors

CHUNKS = (64, 8, 1)  # steps of a recording: any time is a sum of these

Tensors = Sequence[Tensor]
Gradients = list[Tensor | None]


def chunks(time: int) -> Iterator[tuple[int, int]]:
    """Yield where chunks of a sequence begin and end."""
    start = 0
    for size in CHUNKS:
        while time - start >= size:
            yield start, start + size
            start += size


class Player:
    """Plays the steps of a cell, chunk after chunk, forward and backward.

    Forward keeps the state that each chunk begins from, and nothing else. Backward takes the
    chunk's steps again and goes through them from the last to the first, for the gradient of the
    state alone: that of inputs and weights is a sum over steps and rows, and is taken for all of
    a chunk at once, as if its steps were rows. For a cell's rows do not see each other.

    Args:
        cell: whose step is recorded; it is not kept.
        u: what its `project` made of an input of this size.
        state: of this size.
        ragged: whether rows have lengths of their own.
        train: whether gradients are wanted.
    Raises:
        EngineRefused: the step does what cannot be recorded.
    """

    def __init__(
        self, cell: Cell[Any], u: Tensor, state: Any, *, ragged: bool, train: bool
    ) -> None:
        self.device, self.like, self.ragged, self.train = u.device, state, ragged, train
        kind = u.device.type
        self.autocast = torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)
        self.wanted = [value.is_floating_point() and value.requires_grad for value in tensors(cell)]
        self.lock = Lock()
        self.stream: torch.cuda.Stream | None = None
        with torch.inference_mode(mode=False), torch.no_grad():
            self.replica = Replica(cell)
            longest = CHUNKS[0]
            # not zeros, where a cell may divide
            self.u = u.new_ones(longest, len(u), *u.shape[2:])
            self.state = [leaf.detach().clone() for leaf in tree.leaves(state)]
            self.live = torch.ones(longest, len(u), dtype=torch.bool, device=u.device)
            pool = memory(self.device)
            made: Callable[[Callable[[], Any]], Recording] = partial(
                record, device=self.device, pool=pool
            )
            self.forward = {size: made(partial(self._ahead, size)) for size in CHUNKS}
            if not train:
                return
            y = self.forward[1].result
            self.grad_y = y.new_zeros(longest, *y.shape[1:])
            self.grad_state = [torch.zeros_like(leaf) for leaf in self.state]
            self.sums = [
                torch.zeros_like(value, dtype=_long(value.dtype)) if wanted else None
                for value, wanted in zip(self.replica.tensors, self.wanted, strict=True)
            ]
            self.used = [False] * len(self.sums)
            self.backward = {size: made(partial(self._back, size)) for size in CHUNKS}

    def ahead(
        self, u: Tensor, state: Tensors, weights: Tensors, lengths: Lengths
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Return outputs, last state, and, where gradients are wanted, the chunks' first states."""
        with self._alone():
            self.replica.take(weights)
            _copy(self.state, state)
            parts = list(chunks(u.shape[1]))
            like = self.forward[1].result
            y = like.new_empty(u.shape[0], u.shape[1], *like.shape[2:])
            begun = [leaf.new_empty(len(parts), *leaf.shape) for leaf in self.state if self.train]
            for i, part in enumerate(parts):
                recording = self.forward[self._enter(u, lengths, *part)]
                for kept, leaf in zip(begun, self.state, strict=False):
                    kept[i].copy_(leaf)
                recording.replay()
                y[:, slice(*part)].copy_(recording.result.transpose(0, 1))
            return y, [leaf.clone() for leaf in self.state], begun

    def back(
        self,
        u: Tensor,
        begun: Tensors,
        weights: Tensors,
        lengths: Lengths,
        grad_y: Tensor | None,
        grad_last: Sequence[Tensor | None],
    ) -> tuple[Tensor, Gradients, Gradients]:
        """Return the gradients of inputs, of the first state, of the cell's tensors."""
        with self._alone():
            self.replica.take(weights)
            for own, given in zip(self.grad_state, grad_last, strict=True):
                own.zero_() if given is None else own.copy_(given)
            for total in self.sums:
                if total is not None:
                    total.zero_()
            grad_u = torch.empty_like(u)
            for i, part in reversed(list(enumerate(chunks(u.shape[1])))):
                size = self._enter(u, lengths, *part)
                _copy(self.state, [kept[i] for kept in begun])
                if grad_y is None:
                    self.grad_y.zero_()
                else:
                    self.grad_y[:size].copy_(grad_y[:, slice(*part)].transpose(0, 1))
                recording = self.backward[size]
                recording.replay()
                grad_u[:, slice(*part)].copy_(recording.result.transpose(0, 1))
            grad_state = [
                grad.clone() if grad.is_floating_point() else None for grad in self.grad_state
            ]
            grad_weights = [
                total.to(own.dtype, copy=True) if total is not None and used else None
                for total, own, used in zip(self.sums, self.replica.tensors, self.used, strict=True)
            ]
            return grad_u, grad_state, grad_weights

    def exact(
        self, u: Tensor, state: Tensors, weights: Tensors, lengths: Lengths
    ) -> tuple[Tensor, Tensors]:
        """Return outputs and last state in the graph that `loop` makes, gradients and all."""
        outputs = []
        with self.lock, self.replica.placed(weights), self._autocast():
            for t, now in enumerate(u.unbind(1)):
                y, after = self._step(now, state)
                live = None if lengths is None else lengths > t
                outputs.append(_chosen(live, y, 0))
                state = list(map(partial(_chosen, live), after, state))
        return torch.stack(outputs, dim=1), state

    def _ahead(self, size: int) -> Tensor:
        """Take a chunk's steps; leave the state after them where the next chunk begins."""
        outputs, state = [], self.state
        with torch.no_grad(), self._autocast():
            for t in range(size):
                y, after = self._step(self.u[t], state)
                outputs.append(_chosen(self._live(t), y, 0))
                state = list(map(partial(_chosen, self._live(t)), after, state))
            y = torch.stack(outputs)  # before the state is written, which they may be a part of
            _copy(self.state, state)
            return y

    def _back(self, size: int) -> Tensor:
        """Go through a chunk's steps against time; return the gradient of its inputs."""
        weights = [
            value.detach().requires_grad_(wanted)
            for value, wanted in zip(self.replica.tensors, self.wanted, strict=True)
        ]
        live = self.live[:size].flatten() if self.ragged else None
        grad_y = _chosen(live, self.grad_y[:size].flatten(0, 1), 0)
        u = _leaf(self.u[:size].flatten(0, 1))
        with torch.enable_grad(), self.replica.placed(weights), self._autocast():
            before, grads = self._through(size, grad_y.view_as(self.grad_y[:size]))
            y, after = self._step(u, before)
            grad_u, *found = _pulled((y, *after), (grad_y, *grads), (u, *weights))
        for i, (total, grad) in enumerate(zip(self.sums, found, strict=True)):
            if total is not None and grad is not None:
                self.used[i] = True
                total.add_(grad)
        return torch.zeros_like(self.u[:size]) if grad_u is None else grad_u.view_as(self.u[:size])

    def _through(self, size: int, grad_y: Tensor) -> tuple[Tensors, Tensors]:
        """Return the states before all steps of a chunk, and the gradients of those after them.

        As lines [steps · batch, ...]. The gradient of the state before the chunk is left where
        the chunk before it begins.
        """
        steps, state = [], self.state
        for t in range(size):
            before = list(map(_leaf, state))
            y, after = self._step(self.u[t], before)
            steps.append((before, (y, *after)))
            state = list(map(partial(_chosen, self._live(t)), after, before))
        grad, grads = self.grad_state, []
        for t, (before, outputs) in reversed(list(enumerate(steps))):
            live = self._live(t)
            grads.append([_chosen(live, part, 0) for part in grad])
            pulled = _pulled(outputs, (grad_y[t], *grads[-1]), before)
            grad = [
                _chosen(live, torch.zeros_like(old) if new is None else new, old)
                for new, old in zip(pulled, grad, strict=True)
            ]
        found = _lines([before for before, _ in steps]), _lines(grads[::-1])
        _copy(self.grad_state, grad)
        return found

    def _step(self, u: Tensor, state: Tensors) -> tuple[Tensor, list[Tensor]]:
        y, after = self.replica.cell.step(u, tree.unflatten(self.like, list(state)))
        return y, tree.leaves(after)

    def _live(self, t: int) -> Tensor | None:
        return self.live[t] if self.ragged else None

    def _enter(self, u: Tensor, lengths: Lengths, start: int, end: int) -> int:
        """Copy a chunk of the input to where it is read; return its size."""
        size = end - start
        self.u[:size].copy_(u[:, start:end].transpose(0, 1))
        if lengths is not None:
            times = torch.arange(start, end, device=u.device)
            self.live[:size].copy_(times[:, None] < lengths)
        return size

    def _autocast(self) -> AbstractContextManager[Any]:
        enabled, dtype = self.autocast
        if not enabled:
            return nullcontext()
        torch.clear_autocast_cache()  # a recording casts its weights itself, once
        return torch.autocast(self.device.type, dtype)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other threads and other streams of the device away from the memory."""
        with self.lock, torch.no_grad():
            if self.device.type == "cuda":
                now = torch.cuda.current_stream(self.device)
                if self.stream is not None and self.stream != now:
                    now.wait_stream(self.stream)
                self.stream = now
            yield


def _leaf(value: Tensor) -> Tensor:
    return value.detach().requires_grad_(value.is_floating_point())


def _chosen(live: Tensor | None, new: Tensor, old: Tensor | int) -> Tensor:
    """Return the new one, in the rows that are at their end the old one."""
    if live is None:
        return new
    return torch.where(live.view(-1, *[1] * (new.dim() - 1)), new, old)


def _pulled(outputs: Tensors, grads: Tensors, sources: Tensors) -> Gradients:
    """Return the gradients of sources, None where outputs do not depend on one."""
    pairs = [pair for pair in zip(outputs, grads, strict=True) if pair[0].requires_grad]
    wanted = [source for source in sources if source.requires_grad]
    if not pairs or not wanted:
        return [None] * len(sources)
    ends, begins = zip(*pairs, strict=True)
    found = iter(torch.autograd.grad(ends, wanted, begins, allow_unused=True))
    return [next(found) if source.requires_grad else None for source in sources]


def _lines(steps: Sequence[Tensors]) -> Tensors:
    """Return each leaf of all steps, one step's rows after the other's."""
    return [torch.cat(leaves).detach() for leaves in zip(*steps, strict=True)]


def _copy(own: Tensors, given: Tensors) -> None:
    """Write all values; a state may be made of another part of the one before it."""
    written = {to.untyped_storage().data_ptr() for to in own}
    values = [
        value.clone() if value.untyped_storage().data_ptr() in written else value for value in given
    ]
    for to, value in zip(own, values, strict=True):
        to.copy_(value)


def _long(dtype: torch.dtype) -> torch.dtype:
    """Return the type that gradients of this type are summed in."""
    return torch.float32 if dtype.is_floating_point and dtype.itemsize < 4 else dtype
