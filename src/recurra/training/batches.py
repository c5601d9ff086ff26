"""Which rows make a batch: near in length, random in order, whatever the number of processes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset, Sampler

from recurra.data.windows import Stretches
from recurra.errors import RecurraError

Item = tuple[Tensor, ...]
WINDOW = 50  # most batches among which rows are sorted by length


class Batches(Sampler[list[int]]):
    """Batches of row numbers, and where in which epoch they are.

    Each epoch shuffles the rows, sorts them by length within windows of some batches, and
    shuffles the batches: little padding, and another composition in each epoch. The order depends
    on the seed and the epoch only; each process takes its share of every batch, perhaps none.

    Args:
        lengths: of each row, or any numbers by which rows are near (`ranks`).
        batch_size: rows per batch, over all processes.
        seed: of the order.
        rank: this process.
        processes: how many there are.
    """

    def __init__(
        self,
        lengths: Sequence[int] | NDArray[np.int32],
        batch_size: int,
        seed: int,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        self.lengths = torch.as_tensor(lengths)
        self.batch_size, self.seed, self.rank, self.processes = batch_size, seed, rank, processes
        self.epoch = self.position = 0

    def __len__(self) -> int:
        """Return the batches of an epoch."""
        return -(-len(self.lengths) // self.batch_size)

    @property
    def remaining(self) -> int:
        """How many batches of this epoch were not handed out yet."""
        return len(self) - self.position

    def order(self, epoch: int) -> Sequence[list[int]]:
        """Return the batches of an epoch, whole."""
        # The generator takes 64 bits: the two numbers are mixed by a large odd factor.
        random = torch.Generator().manual_seed((self.seed + epoch * 0x9E3779B97F4A7C15) % 2**64)
        rows = torch.randperm(len(self.lengths), generator=random)
        # Of few rows, fewer are sorted: else every epoch would have the same batches.
        window = min(WINDOW, max(1, len(self) // 4))
        ordered = [
            part[torch.argsort(self.lengths[part], stable=True)]
            for part in torch.split(rows, window * self.batch_size)
        ]
        batches = torch.split(torch.cat(ordered), self.batch_size)
        return [batches[i].tolist() for i in torch.randperm(len(batches), generator=random)]

    def __iter__(self) -> Iterator[list[int]]:
        """Yield this process's part of the rest of the epoch, and go on to the next epoch."""
        order = self.order(self.epoch)
        for k in range(self.position, len(order)):
            self.position += 1
            yield order[k][self.rank :: self.processes]
        self.epoch, self.position = self.epoch + 1, 0

    def state_dict(self) -> dict[str, int]:
        """Return where it is."""
        return {"epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from there."""
        self.epoch, self.position = state["epoch"], state["position"]


class _Rows(Dataset[tuple[int, Item]]):
    """Items beside their row numbers."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, row: int) -> tuple[int, Item]:
        return row, self.items[row]


def load(
    items: Sequence[Item], collate: Callable[[Sequence[Item]], Any], batches: Batches, pin: bool
) -> Any:
    """Return a StatefulDataLoader of (row numbers, batch, or None where there are no rows)."""
    from torchdata.stateful_dataloader import StatefulDataLoader

    def gather(pairs: list[tuple[int, Item]]) -> tuple[list[int], Any]:
        return [row for row, _ in pairs], collate([item for _, item in pairs]) if pairs else None

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*set_vital", UserWarning)  # torchdata's, of torch
        return StatefulDataLoader(
            _Rows(items),
            batch_sampler=batches,
            collate_fn=gather,
            num_workers=0,
            pin_memory=pin,
            generator=torch.Generator(),  # its own: an iterator must not draw from the training's
        )


def lengths(items: Sequence[Item]) -> Sequence[int] | NDArray[np.int32]:
    """Return the length of each item's first tensor.

    Raises:
        RecurraError: there are no items.
    """
    if not items:
        raise RecurraError("the training part has no rows; give a file with at least one")
    if isinstance(items, Stretches):
        return items.lengths
    return [len(item[0]) if item[0].ndim else 1 for item in items]


def ranks(items: Sequence[Item]) -> list[int]:
    """Return each item's place in the order of lengths: by its first tensor, then by the next ones.

    Neighbours in it need little padding in every tensor: a sentence and its translation, captions
    of images of one size. Items of equal lengths share a place.
    """
    sizes = [tuple(len(part) if part.ndim else 1 for part in item) for item in items]
    places = {size: place for place, size in enumerate(sorted(set(sizes)))}
    return [places[size] for size in sizes]


def placed(batch: Any, network: nn.Module) -> Any:
    """Return a batch on the network's device, its real numbers in the network's precision."""
    like = next(network.parameters())

    def place(part: Any) -> Any:
        if isinstance(part, tuple):
            return (
                type(part)(*map(place, part))
                if hasattr(part, "_fields")
                else tuple(map(place, part))
            )
        if not isinstance(part, Tensor):
            return part
        dtype = like.dtype if part.is_floating_point() and like.is_floating_point() else part.dtype
        return part.to(like.device, dtype, non_blocking=True)

    return place(batch)
