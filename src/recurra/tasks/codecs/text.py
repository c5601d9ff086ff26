"""A text and its label as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from recurra.codecs.texts import LONGEST_TEXT, TextPrediction, Texts, checked, sound
from recurra.data.batch import Labelled
from recurra.data.readers.tabular import TextLabel
from recurra.tasks.evaluation import lengths, pad

__all__ = ["LONGEST_TEXT", "TextCodec", "TextPrediction", "checked", "sound"]


@dataclass(frozen=True)
class TextCodec(Texts):
    """Words to ids, labels to classes, as tensors."""

    def encode(self, example: TextLabel) -> tuple[Tensor, Tensor]:
        """Return word ids, or rows of them and their letters, and class (−1: label unknown)."""
        label = self.labels.index(example.label) if example.label in self.labels else -1
        return torch.from_numpy(self.numbers(example.text)), torch.tensor(label)

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Labelled:
        """Return a padded batch."""
        texts, labels = zip(*items, strict=True)
        return Labelled(pad(texts), lengths(texts), torch.stack(labels))
