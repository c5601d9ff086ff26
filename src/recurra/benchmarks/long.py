"""Print the megabytes that a train step on one long sequence adds to this process at its peak.

python -m recurra.benchmarks.long MinGRU chunks 2 65536 256
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from recurra.benchmarks.memory import highest
from recurra.cells import find
from recurra.layers import Recurrent, step_losses

WAYS = ("plain", "states", "chunks")
EVERY = 1024  # steps of a chunk


class Bytes(nn.Module):
    """Bytes embedded and read by a cell, all of one width."""

    def __init__(self, cell: str, width: int, every: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(256, width)
        self.layer = Recurrent(find(cell.lower())(width, width), checkpoint_every=every)

    def forward(self, x: Tensor, state: Any, *, lengths: Any = None) -> tuple[Tensor, Any]:
        """Return outputs and the state after them."""
        # a module of torch answers Any
        return self.layer(self.embed(x), state, lengths=lengths)  # type: ignore[no-any-return]


class Next(nn.Module):
    """The cross entropy of the byte that comes next."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.head = nn.Linear(width, 256)

    def forward(self, y: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each step."""
        scores = self.head(y)
        losses = functional.cross_entropy(scores.flatten(0, 1), target.flatten(), reduction="none")
        return losses.view(target.shape)


def step_of(cell: str, way: str, steps: int, width: int) -> Callable[[], list[Tensor]]:
    """Return a train step on one sequence of bytes; it returns loss and gradients.

    Args:
        cell: by name.
        way: "plain": a graph of everything; "states": `checkpoint_every`; "chunks": `step_losses`.
        steps: of the sequence.
        width: of embedding and state.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Bytes(cell, width, EVERY if way == "states" else 0)
        criterion = Next(width)
        text = torch.randint(0, 256, (1, steps + 1))
    x, target = text[:, :-1], text[:, 1:]
    weights = [*network.parameters(), *criterion.parameters()]

    def step() -> list[Tensor]:
        state = network.layer.initial_state(1)
        if way == "chunks":
            losses, _ = step_losses(network, x, criterion, target, every=EVERY, state=state)
        else:
            losses = criterion(network(x, state)[0], target)
        loss = losses.mean()
        return [loss.detach(), *torch.autograd.grad(loss, weights)]

    return step


def main(argv: list[str]) -> None:
    """Take the step once on hardly anything, then on the whole, and print the difference."""
    cell, way, threads, steps, width = argv
    torch.set_num_threads(int(threads))
    step_of(cell, way, 8, 8)()
    step = step_of(cell, way, int(steps), int(width))
    before = highest()
    step()
    print(json.dumps(highest() - before))


if __name__ == "__main__":
    main(sys.argv[1:])
