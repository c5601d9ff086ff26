"""A signal and its label, or its steps' labels, as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from recurra.codecs.signals import Signals
from recurra.data.batch import Aligned, Labelled
from recurra.data.readers.signal import Signal
from recurra.tasks.evaluation import lengths, pad


@dataclass(frozen=True)
class SignalCodec(Signals):
    """Channels on one scale, labels to classes, as tensors."""

    def encode(self, example: Signal) -> tuple[Tensor, Tensor]:
        """Return steps [time features] and class, or one class a step; −1 where it is unknown.

        Raises:
            DataError: the signal has other channels, or lacks numbers where none may.
        """
        x = torch.from_numpy(self.numbers(example))
        if not self.per_step:
            return x, torch.tensor(self._class(example.label))
        steps = (example.steps or [example.label] * len(example.values))[: self.max_length]
        numbers = {label: self._class(label) for label in set(steps)}
        return x, torch.tensor([numbers[label] for label in steps])

    def _class(self, label: str) -> int:
        return self.labels.index(label) if label in self.labels else -1

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Labelled | Aligned:
        """Return a padded batch."""
        signals, labels = zip(*items, strict=True)
        if self.per_step:
            return Aligned(pad(signals), lengths(signals), pad(labels))
        return Labelled(pad(signals), lengths(signals), torch.stack(labels))
