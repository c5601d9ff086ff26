"""The state of what writes a sequence, as the tensors that go round a graph."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from recurra import tree
from recurra.onnx.graph import Value
from recurra.topologies import Writer

PLACED = "memory", "keys", "mask", "weights"  # of a decoder's state, by the positions of a source


class Written:
    """The state of what writes, as the tensors that go round: without those that hold nothing.

    Args:
        network: what writes.
        batch: an example of what it reads.
    """

    def __init__(self, network: Writer, batch: Any) -> None:
        lengths = batch.context_lengths
        with torch.no_grad():
            given = (batch.context[:1], *(() if lengths is None else (lengths[:1],)))
            self.begun = network.eval().start(*given)
            logits, after = network.advance(torch.zeros(1, dtype=torch.long), self.begun)
        self.vocabulary = logits.shape[-1]
        leaves, moved = tree.leaves(self.begun), tree.leaves(after)
        self.full = [leaf.numel() > 0 for leaf in leaves]
        self.moves = [
            full and now is not before
            for full, now, before in zip(self.full, moved, leaves, strict=True)
        ]
        named = [
            Value(name, _sizes(name, leaf, lengths is not None), "state", leaf.dtype)
            for name, leaf in zip(tree.names(self.begun), leaves, strict=True)
        ]
        self.values = tuple(_only(named, self.full))
        self.next = tuple(
            Value(f"{one.name}_next", one.sizes, one.means, one.kind)
            for one in _only(named, self.moves)
        )

    def flat(self, state: Any) -> list[Tensor]:
        """Return the tensors that hold something."""
        return _only(tree.leaves(state), self.full)

    def moved(self, state: Any) -> list[Tensor]:
        """Return the tensors that a step changes."""
        return _only(tree.leaves(state), self.moves)

    def with_moved(self, before: Any, given: list[Tensor]) -> Any:
        """Return a state in which these are the tensors that a step has changed."""
        left = iter(given)
        leaves = [
            next(left) if moves else leaf
            for moves, leaf in zip(self.moves, tree.leaves(before), strict=True)
        ]
        return tree.unflatten(self.begun, leaves)

    def whole(self, given: list[Tensor]) -> Any:
        """Return the state of which these are the tensors that hold something."""
        left = iter(given)
        leaves = [
            next(left) if full else leaf.new_zeros(given[0].shape[0], *leaf.shape[1:])
            for full, leaf in zip(self.full, tree.leaves(self.begun), strict=True)
        ]
        return tree.unflatten(self.begun, leaves)


def _sizes(name: str, leaf: Tensor, ragged: bool) -> tuple[int | str, ...]:
    """Return the sizes of a decoder's state, those of the source's positions by name."""
    fixed = leaf.shape[1:]
    if ragged and name.rsplit(".", 1)[-1] in PLACED:
        return ("batch", "positions", *fixed[1:])
    return ("batch", *fixed)


def _only(parts: Any, kept: list[bool]) -> list[Any]:
    return [part for part, one in zip(parts, kept, strict=True) if one]
