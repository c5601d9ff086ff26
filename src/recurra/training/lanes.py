"""Which stretches make a batch where state is carried: each goes on where one before it stopped."""

from __future__ import annotations

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
        self.epochs: dict[int, list[list[int]]] = {}

    def __len__(self) -> int:
        """Return the batches of this epoch: another order may need one more or fewer."""
        return len(self.order(self.epoch))

    def order(self, epoch: int) -> list[list[int]]:
        """Return the batches of an epoch, whole."""
        if epoch not in self.epochs:
            self.epochs = {epoch: self._order(epoch)}
        return self.epochs[epoch]

    def _order(self, epoch: int) -> list[list[int]]:
        random = torch.Generator().manual_seed((self.seed + epoch * 0x9E3779B97F4A7C15) % 2**64)
        lanes: list[list[int]] = [[] for _ in range(self.batch_size)]
        for number in torch.randperm(len(self.stretches.counts), generator=random).tolist():
            min(lanes, key=len).extend(self.stretches.of(number))
        lanes.sort(key=len, reverse=True)
        return [[lane[k] for lane in lanes if k < len(lane)] for k in range(len(lanes[0]))]
