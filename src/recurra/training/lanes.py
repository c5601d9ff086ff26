"""Which stretches make a batch where state is carried: each goes on where one before it stopped."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import torch

from recurra.data.windows import Stretches
from recurra.errors import RecurraError
from recurra.training.batches import Batches, lengths


class Lanes(Batches):
    """Parallel lanes over long sequences: row k of a batch follows on row k of the one before.

    Each epoch shuffles the sequences and gives each to the lane with the fewest stretches so far.
    Lanes that have ended leave the batch: the longest come first, so rows keep their places. A
    lane begins a new sequence in a batch of its own, where its state starts afresh.

    Args:
        stretches: the sequences, cut.
        count: lanes, over all processes.
        seed: of the order.
        rank: this process.
        processes: how many there are.
    Raises:
        RecurraError: there are fewer sequences than lanes, or they cannot be shared out evenly.
    """

    def __init__(
        self, stretches: Stretches, count: int, seed: int, rank: int = 0, processes: int = 1
    ) -> None:
        super().__init__(lengths(stretches), count, seed, rank, processes)
        self.stretches = stretches
        used = sum(count > 0 for count in stretches.counts)
        if used < count:
            raise RecurraError(
                f"batch_size: {count} lanes for {used} sequences; lower it, or cut the text or "
                "series into more"
            )
        if count % processes:
            raise RecurraError(
                f"batch_size: {count} lanes cannot be shared out to {processes} processes evenly"
            )
        self.epochs: dict[int, Sequence[list[int]]] = {}

    def __len__(self) -> int:
        """Return the batches of this epoch: another order may need one more or fewer."""
        return len(self.order(self.epoch))

    def order(self, epoch: int) -> Sequence[list[int]]:
        """Return the batches of an epoch, whole."""
        if epoch not in self.epochs:
            self.epochs = {epoch: self._order(epoch)}
        return self.epochs[epoch]

    def _order(self, epoch: int) -> Sequence[list[int]]:
        random = torch.Generator().manual_seed((self.seed + epoch * 0x9E3779B97F4A7C15) % 2**64)
        lanes = [Lane() for _ in range(self.batch_size)]
        for number in torch.randperm(len(self.stretches.counts), generator=random).tolist():
            min(lanes, key=len).add(self.stretches.of(number))
        return Plan(sorted(lanes, key=len, reverse=True))


class Lane:
    """Sequences one after another, as ranges of their stretches: there may be millions."""

    def __init__(self) -> None:
        self.parts: list[range] = []
        self.ends: list[int] = []

    def __len__(self) -> int:
        """Return how many stretches there are."""
        return self.ends[-1] if self.ends else 0

    def add(self, part: range) -> None:
        """Let another sequence follow."""
        if part:
            self.ends.append(len(self) + len(part))
            self.parts.append(part)

    def __getitem__(self, k: int) -> int:
        """Return the k-th stretch."""
        number = bisect_right(self.ends, k)
        return self.parts[number][k - self.ends[number]]


class Plan(Sequence[list[int]]):
    """The batches of lanes, the longest lane first; each is made when it is asked for."""

    def __init__(self, lanes: list[Lane]) -> None:
        self.lanes = lanes

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.lanes[0])

    def __getitem__(self, k: int) -> list[int]:  # type: ignore[override]  # no slices are asked for
        """Return a batch."""
        if not 0 <= k < len(self):
            raise IndexError(f"{k} of {len(self)}")
        return [lane[k] for lane in self.lanes if k < len(lane)]
