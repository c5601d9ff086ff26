"""Calls of torch's recurrent kernels, taken apart into one depth and direction after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import (
    PackedSequence,
    pack_padded_sequence,
    pad_packed_sequence,
)

from recurra.diagnostics.gates import of_kernel
from recurra.layers.lengths import reverse

FUSED = {"lstm", "gru", "rnn_tanh", "rnn_relu"}
STEPS = {"lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"}

Parts = tuple[Any, Any, Any]  # run, last and gates of a Reader
Read = Callable[[str, Parts, Tensor, Any, Tensor | None], tuple[Tensor, Any]]


class Directions(NamedTuple):
    """One call of `torch.lstm`, `gru`, `rnn_tanh` or `rnn_relu`, plain or packed.

    Args:
        kernel: the function of torch.
        x: inputs [batch time input], padded.
        lengths: of the rows; None: all.
        packed: batch sizes of a packed call, None of a plain one.
        hx: first states, each [depths·directions batch hidden].
        weights: flat, as torch has them.
        biases: whether there are any.
        depths: layers on one another.
        ways: 2 where it reads backward too.
        first: whether the batch is axis 0 of a plain call.
    """

    kernel: Any
    x: Tensor
    lengths: Tensor | None
    packed: Tensor | None
    hx: tuple[Tensor, ...]
    weights: Sequence[Tensor]
    biases: bool
    depths: int
    ways: int
    first: bool

    @classmethod
    def of(cls, kernel: Any, args: tuple[Any, ...]) -> Directions:
        """Return what was called."""
        packed = isinstance(args[3], list | tuple)
        if packed:
            data, sizes, hx, weights, biases, depths, _, _, both = args
            x, lengths = pad_packed_sequence(PackedSequence(data, sizes), batch_first=True)
            rows = None if bool((lengths == x.shape[1]).all()) else lengths
            first = True
        else:
            x, hx, weights, biases, depths, _, _, both, first = args
            sizes, rows = None, None
            x = x if first else x.transpose(0, 1)
        states = tuple(hx) if isinstance(hx, list | tuple) else (hx,)
        return cls(kernel, x, rows, sizes, states, weights, biases, depths, 1 + both, first)

    def run(self, read: Read) -> Any:
        """Return what torch would, each depth and direction read by `read`."""
        x, last = self.x, []
        each = len(self.weights) // (self.depths * self.ways)
        for depth in range(self.depths):
            outputs = []
            for way in range(self.ways):
                place = depth * self.ways + way
                name = f".l{depth}" + "_reverse" * way if self.depths * self.ways > 1 else ""
                weights = list(self.weights[place * each : (place + 1) * each])
                state = tuple(part[place] for part in self.hx)
                given = reverse(x, self.lengths) if way else x
                y, state = read(name, self._parts(weights), given, state, self.lengths)
                outputs.append(reverse(y, self.lengths) if way else y)
                last.append(state)
            x = torch.cat(outputs, dim=-1)
        hx = tuple(torch.stack([state[i] for state in last]) for i in range(len(self.hx)))
        if self.packed is None:
            return (x if self.first else x.transpose(0, 1), *hx)
        lengths = self._lengths()
        return (pack_padded_sequence(x, lengths, batch_first=True).data, *hx)

    def _lengths(self) -> Tensor:
        assert self.packed is not None
        rows = torch.arange(int(self.packed[0]))
        return (self.packed[:, None] > rows).sum(0)

    def _parts(self, weights: list[Tensor]) -> Parts:
        kernel, biases = self.kernel, self.biases

        def run(x: Tensor, state: Any, lengths: Tensor | None) -> tuple[Tensor, Any]:
            return through(kernel, weights, biases, x, state, lengths)

        names = {"lstm": "lstm", "gru": "gru", "rnn_tanh": "tanh", "rnn_relu": "relu"}
        pair = (*weights[:2], *(weights[2:4] if biases else (None, None)))
        return run, lambda _, state: state[0], of_kernel(names[kernel.__name__], *pair)


def through(
    kernel: Any,
    weights: list[Tensor],
    biases: bool,
    x: Tensor,
    state: tuple[Tensor, ...],
    lengths: Tensor | None,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Run one depth and direction of a kernel over some steps; rows beyond their length stay."""
    if lengths is None:
        hx = tuple(part[None].contiguous() for part in state)
        # as in training: cuDNN has no gradient otherwise
        y, *after = kernel(x, _one(hx), weights, biases, 1, 0.0, True, False, True)
        return y, tuple(part[0] for part in after)
    rows = lengths.nonzero()[:, 0].to(x.device)
    if not len(rows):
        return x.new_zeros(*x.shape[:2], state[0].shape[-1]), state
    packed = pack_padded_sequence(
        x[rows], lengths[lengths > 0].cpu(), batch_first=True, enforce_sorted=False
    )
    order, back = packed.sorted_indices, packed.unsorted_indices
    hx = tuple(part[rows][order][None].contiguous() for part in state)
    data, *after = kernel(
        packed.data, packed.batch_sizes, _one(hx), weights, biases, 1, 0.0, True, False
    )
    y, _ = pad_packed_sequence(
        PackedSequence(data, packed.batch_sizes, order, back), True, total_length=x.shape[1]
    )
    whole = y.new_zeros(len(x), *y.shape[1:]).index_copy(0, rows, y)
    ends = (part[0][back] for part in after)
    return whole, tuple(
        old.index_copy(0, rows, new.to(old.dtype)) for old, new in zip(state, ends, strict=True)
    )


def _one(hx: tuple[Tensor, ...]) -> Any:
    return hx if len(hx) > 1 else hx[0]


def single(kernel: Any, args: tuple[Any, ...]) -> Parts:
    """Return how a cell of `torch.nn` takes one step."""
    _, _, *weights = args

    def run(x: Tensor, state: Any, _: Tensor | None) -> tuple[Tensor, Any]:
        after = kernel(x[:, 0], _one(state), *weights)
        after = tuple(after) if isinstance(after, tuple) else (after,)
        return after[0][:, None], after

    name = kernel.__name__.removesuffix("_cell").removeprefix("rnn_")
    return run, lambda _, state: state[0], of_kernel(name, *weights)
