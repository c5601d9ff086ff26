"""What recurrent layers do while a loss is computed, with the states that gradients pass."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from recurra import tree
from recurra.diagnostics.gates import Gauge
from recurra.diagnostics.intercept import Intercept, Reader
from recurra.layers.lengths import within

MOST = 512  # states of a sequence that are kept, where its rows are all as long
NEAR = 2000  # operations between one call's state and the next call's beginning


@dataclass
class Sequence:
    """One sequence that a layer has read, in one call or in many.

    Args:
        layer: its name.
        states: before the first step, and after each chunk; each its own coordinates.
        steps: how many steps each of them has seen.
        lengths: steps of each row; None: all are as long.
        h: which tensor of a state is the output; None: none is.
    """

    layer: str
    states: list[Any]
    steps: list[int]
    lengths: Tensor | None
    h: int | None

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(tree.leaves(self.states[0])[0])

    @property
    def length(self) -> int:
        """The steps of its longest row."""
        return self.steps[-1]


class Fault(NamedTuple):
    """Where a number was first not finite.

    Args:
        where: in words: the input, the output or the gradient of which layer.
        layer: its name.
        time: the step of the sequence, from 0; None: not known.
        row: of the batch; None: not known.
        step: of training; None: outside of it.
    """

    where: str
    layer: str
    time: int | None = None
    row: int | None = None
    step: int | None = None


@dataclass
class Found:
    """What was met of a layer."""

    gauge: Gauge = field(default_factory=Gauge)
    sequences: list[Sequence] = field(default_factory=list)
    calls: list[tuple[int, int]] = field(default_factory=list)  # of which sequence, from which step


class Trace(Intercept):
    """Reads in chunks, and keeps the state after each.

    Args:
        model: what is looked at.
        every: steps of a chunk; None: 1, or as many as leave `most` states of a sequence.
        most: states of a sequence whose rows are all as long.
    """

    def __init__(self, model: nn.Module, every: int | None = None, most: int = MOST) -> None:
        super().__init__(model)
        self.every, self.most = every, most
        self.found: dict[str, Found] = {}
        self.fault: Fault | None = None

    def read(
        self, reader: Reader, x: Tensor, state: Any, lengths: Tensor | None
    ) -> tuple[Tensor, Any]:
        """Read chunk after chunk; a state that is carried is a tensor of its own."""
        self._look(x, "the input", reader.name)
        graph = torch.is_grad_enabled()
        with torch.enable_grad():
            y, state, first = self._chunks(reader, x, state, lengths)
        self._look(y, "the output", reader.name)
        with torch.no_grad():
            live = torch.ones(x.shape[:2]).bool() if lengths is None else within(lengths, len(x[0]))
            before = torch.cat([first[:, None].to(y), y[:, :-1]], 1) if first is not None else y
            gates = reader.gates(x, before) if reader.gates else None
            self.found[reader.name].gauge.add(gates, y, live.to(y.device))
        return (y, state) if graph else (y.detach(), tree.map(torch.detach, state))

    def _chunks(
        self, reader: Reader, x: Tensor, state: Any, lengths: Tensor | None
    ) -> tuple[Tensor, Any, Tensor | None]:
        found = self.found.setdefault(reader.name, Found())
        sequence = found.sequences[-1] if found.sequences else None
        if sequence is None or not continues(sequence, state):
            state = tree.map(own, state)
            names = tree.names(state)
            h = 0 if reader.last is not None and names[0] in ("h", "0", "state") else None
            sequence = Sequence(reader.name, [state], [0], lengths, h)
            found.sequences.append(sequence)
        elif lengths is not None or sequence.lengths is not None:
            rows = torch.full((len(x),), x.shape[1]) if lengths is None else lengths.cpu()
            so_far = sequence.lengths if sequence.lengths is not None else sequence.length
            sequence.lengths = rows + so_far
        found.calls.append((len(found.sequences) - 1, sequence.length))
        leaf = tree.leaves(state)[0]
        first = leaf.detach() if leaf.dim() == 2 else None
        begun, parts = sequence.length, []
        every = 1 if lengths is not None else self.every or -(-x.shape[1] // self.most)
        for start in range(0, x.shape[1], every):
            some = x[:, start : start + every]
            size = some.shape[1]
            left = None if lengths is None else (lengths - start).clamp(0, size)
            y, state = reader.run(some, state, left)
            # an LSTM's h is made of its c: copies are the state's coordinates, each on its own
            state = tree.map(torch.clone, state)
            if reader.last is not None:
                last = reader.last(some[:, -1], state)
                if left is not None:
                    last = torch.where((left == size).to(y.device)[:, None], last, y[:, -1])
                y = torch.cat([y[:, :-1], last[:, None]], 1)
            parts.append(y)
            sequence.states.append(state)
            sequence.steps.append(begun + start + size)
        y = torch.cat(parts, 1)
        return y, state, first if first is not None and first.shape[1:] == y.shape[2:] else None

    def _look(self, numbers: Tensor, what: str, layer: str) -> None:
        """Note the first place where a number is not finite: of all rows the earliest step."""
        if self.fault is None:
            place = first_bad(numbers.detach())
            if place is not None:
                self.fault = Fault(f"{what} of {layer}", layer, *place)


def own(leaf: Tensor) -> Tensor:
    """Return a tensor's numbers as one that gradients can be asked of."""
    return leaf.clone() if leaf.requires_grad else leaf.detach().clone().requires_grad_()


def first_bad(numbers: Tensor) -> tuple[int, int] | None:
    """Return time and row, of [batch time …], where a number is first not finite."""
    bad = ~torch.isfinite(numbers).flatten(2).all(2)
    if not bool(bad.any()):
        return None
    time = int(bad.any(0).nonzero()[0])
    return time, int(bad[:, time].nonzero()[0])


def continues(sequence: Sequence, state: Any) -> bool:
    """Return whether a state was made of the last one of a sequence, within few operations."""
    leaves, ends = tree.leaves(state), tree.leaves(sequence.states[-1])
    if leaves[0].shape != ends[0].shape:
        return False
    wanted = {end.grad_fn for end in ends}
    queue = deque(leaf.grad_fn for leaf in leaves if leaf.grad_fn is not None)
    seen = set(queue)
    while queue and len(seen) < NEAR:
        node = queue.popleft()
        if node in wanted:
            return True
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                queue.append(following)
    return False
