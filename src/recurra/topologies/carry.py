"""State that training carries from one stretch of a long sequence to the next."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from recurra import tree
from recurra.errors import InputError
from recurra.layers.base import Layer


class Carrier(nn.Module):
    """A network whose body reads each batch from the state in which it left the last one.

    The state is cut off from the graph: gradients reach back to the beginning of a stretch.
    """

    body: Layer
    carried: Any = None

    def carry(
        self,
        x: Float[Tensor, "batch time input"],
        lengths: Int[Tensor, "batch"],
        fresh: Bool[Tensor, "batch"],
    ) -> Float[Tensor, "batch time output"]:
        """Return the body's outputs, and keep its state for the next call.

        Args:
            x: inputs of the body.
            lengths: valid steps of each row.
            fresh: rows that begin anew. Rows keep their places; the last ones may stay away.
        Raises:
            ValueError: the body reads backward or lags, or a row that goes on has no state.
        """
        if not self.body.streams or self.body.delay:
            kind = "lags behind its input" if self.body.streams else "reads backward"
            raise InputError(f"the body {kind}; only one that streams at once carries its state")
        state = self.body.initial_state(len(x))
        held = 0 if self.carried is None else len(tree.leaves(self.carried)[0])
        if bool((~fresh[held:]).any()):
            raise InputError(f"a row after the first {held} goes on, and has no state")
        if held:
            state = tree.map(lambda new, old: _joined(fresh, new, old), state, self.carried)
        y: Tensor
        y, state = self.body(x, state, lengths=lengths)
        away = max(held - len(x), 0)
        self.carried = tree.map(
            lambda leaf, *old: torch.cat([leaf.detach(), *(part[held - away :] for part in old)]),
            state,
            *([self.carried] if away else []),
        )
        return y


def carriers(network: nn.Module) -> list[Carrier]:
    """Return the parts of a network that carry a state."""
    return [part for part in network.modules() if isinstance(part, Carrier)]


@contextmanager
def carrying(network: nn.Module) -> Iterator[None]:
    """Have a network begin afresh for a while: evaluation must not disturb training."""
    parts = carriers(network)
    before = [part.carried for part in parts]
    try:
        for part in parts:
            part.carried = None
        yield
    finally:
        for part, carried in zip(parts, before, strict=True):
            part.carried = carried


def _joined(fresh: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """Return the new rows where they are fresh, and the old ones elsewhere."""
    count = min(len(new), len(old))
    chosen = fresh[:count].view(-1, *[1] * (new.dim() - 1))
    return torch.cat([torch.where(chosen, new[:count], old[:count]), new[count:]])
