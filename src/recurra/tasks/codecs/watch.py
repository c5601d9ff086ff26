"""Between series and what a watch reads of each step, as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recurra.codecs.watch import Readings
from recurra.data.batch import Aligned
from recurra.data.readers.series import Series
from recurra.errors import DataError


@dataclass(frozen=True)
class WatchCodec(Readings):
    """What a watch knows of its series, as tensors."""

    def encode(self, example: Series) -> tuple[Tensor, ...]:
        """Return what is read of each step but the last, and how far each next one moved.

        Raises:
            DataError: it has other channels, or fewer than two steps.
        """
        x, moved = self.measure(example)
        if len(x) < 2:
            raise DataError(example.where, "has a single step; two or more can be foretold")
        # what lies before the part is read, and not learned from
        wanted = np.where(np.arange(1, len(x))[:, None] >= example.begin, moved[1:], np.nan)
        return torch.from_numpy(x[:-1]), torch.from_numpy(wanted.astype(np.float32))

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Aligned:
        """Return the batch of windows, or of whole series."""
        lengths = torch.tensor([len(x) for x, _ in items])
        x, y = (
            torch.nn.utils.rnn.pad_sequence(list(parts), batch_first=True)
            for parts in zip(*items, strict=True)
        )
        return Aligned(x, lengths, y)
