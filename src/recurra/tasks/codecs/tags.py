"""A sentence and its tags as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from recurra.codecs.tagged import SAME, SHAPE, SHAPES, WORD, TagPrediction, Tags, shape, spans
from recurra.data.batch import Aligned
from recurra.data.readers.conll import Tagged
from recurra.tasks.evaluation import lengths, pad

__all__ = ["SAME", "SHAPE", "SHAPES", "WORD", "TagCodec", "TagPrediction", "shape", "spans"]


@dataclass(frozen=True)
class TagCodec(Tags):
    """Words, shapes and letters to ids, tags to classes, as tensors."""

    def encode(self, example: Tagged) -> tuple[Tensor, Tensor]:
        """Return word, shape and letters per token, and tags (O where unknown)."""
        index = {tag: i for i, tag in enumerate(self.tags)}
        tags = [index.get(tag, 0) for tag in example.tags[: self.max_length]]
        return torch.from_numpy(self.numbers(example)), torch.tensor(tags)

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Aligned:
        """Return a padded batch."""
        tokens, tags = zip(*items, strict=True)
        return Aligned(pad(tokens), lengths(tokens), pad(tags))
