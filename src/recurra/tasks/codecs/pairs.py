"""A text and the text to write from it as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from recurra.codecs.paired import Pairs, Translation
from recurra.data.batch import Paired
from recurra.data.readers.parallel import Pair
from recurra.data.vocabulary import END, START
from recurra.tasks.evaluation import lengths, pad

__all__ = ["PairCodec", "Translation"]


@dataclass(frozen=True)
class PairCodec(Pairs):
    """Subwords of the source and of the target to ids, as tensors."""

    def encode(self, example: Pair) -> tuple[Tensor, Tensor, Tensor]:
        """Return target shifted right, target, source."""
        target = self.target.encode(example.target).ids[: self.max_length - 1]
        x, y, read = [START, *target], [*target, END], self.numbers(example.source)
        return torch.tensor(x), torch.tensor(y), torch.tensor(read)

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Paired:
        """Return a padded batch."""
        x, y, source = zip(*items, strict=True)
        return Paired(pad(source), pad(x), pad(y), lengths(x), lengths(source))
