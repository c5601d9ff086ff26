"""A sound and its label as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from recurra.codecs.sounds import SoundPrediction, Sounds
from recurra.data.batch import Labelled
from recurra.data.readers.sounds import LabelledSound
from recurra.tasks.evaluation import lengths, pad
from recurra.tasks.task import Codec

__all__ = ["Frames", "SoundCodec", "SoundPrediction"]


@dataclass(frozen=True)
class SoundCodec(Sounds):
    """Samples to frames, labels to classes, as tensors."""

    def encode(self, example: LabelledSound) -> tuple[Tensor, Tensor]:
        """Return frames of samples and class (−1 where the label is unknown)."""
        label = self.labels.index(example.label) if example.label in self.labels else -1
        return torch.from_numpy(self.numbers(example.samples)), torch.tensor(label)

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Labelled:
        """Return a padded batch."""
        sounds, labels = zip(*items, strict=True)
        return Labelled(pad(sounds), lengths(sounds), torch.stack(labels))


class Frames(Sequence[tuple[Tensor, ...]]):
    """Examples that are encoded when they are asked for: samples are in memory once."""

    def __init__(self, codec: Codec, examples: Sequence[Any]) -> None:
        self.codec, self.examples = codec, examples

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, row: Any) -> Any:
        return self.codec.encode(self.examples[row])
