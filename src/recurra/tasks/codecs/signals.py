"""A signal and its label, or its steps' labels, as tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recurra.data.batch import Aligned, Labelled
from recurra.data.readers.signal import Signal, counted
from recurra.data.readers.source import place
from recurra.errors import DataError
from recurra.tasks.codecs.standard import LEAST, Standard
from recurra.tasks.evaluation import lengths, pad


@dataclass(frozen=True)
class SignalCodec:
    """Channels on one scale, labels to classes.

    Args:
        labels: the classes' names, in their order.
        channels: their names.
        scale: of each channel, fitted on the training part.
        own_scale: each series is then taken less its own mean, by its own deviation.
        missing: whether numbers may be missing: they are read as the mean, 0, and as many features
            follow that say which are known.
        per_step: whether each step has a label.
        max_length: steps that are read of a signal, at most.
    """

    labels: list[str]
    channels: tuple[str, ...]
    scale: Standard
    own_scale: bool
    missing: bool
    per_step: bool
    max_length: int

    @property
    def features(self) -> int:
        """How many numbers a step is read as."""
        return len(self.channels) * (1 + self.missing)

    def encode(self, example: Signal) -> tuple[Tensor, Tensor]:
        """Return steps [time features] and class, or one class a step; −1 where it is unknown.

        Raises:
            DataError: the signal has other channels, or lacks numbers where none may.
        """
        values = self.checked(example)[: self.max_length]
        scaled = _standard(values) if self.own_scale else self.scale(values)
        known = ~np.isnan(scaled)
        x = torch.from_numpy(np.where(known, scaled, 0).astype(np.float32))
        if self.missing:
            x = torch.cat([x, torch.from_numpy(known.astype(np.float32))], dim=1)
        if not self.per_step:
            return x, torch.tensor(self._class(example.label))
        steps = (example.steps or [example.label] * len(values))[: self.max_length]
        numbers = {label: self._class(label) for label in set(steps)}
        return x, torch.tensor([numbers[label] for label in steps])

    def checked(self, example: Signal) -> NDArray[np.float64]:
        """Return a signal's numbers, if they can be read.

        Raises:
            DataError: the signal has other channels, or lacks numbers where none may.
        """
        path, row = place(example)
        if example.values.shape[1] != len(self.channels):
            raise DataError(
                path,
                f"has {counted(example.values.shape[1], 'channel')}; this model reads "
                f"{len(self.channels)}: {', '.join(self.channels[:8])}",
                row,
            )
        if not self.missing and (absent := np.isnan(example.values)).any():
            step, channel = np.argwhere(absent)[0].tolist()
            raise DataError(
                path,
                f"lacks a number in step {step + 1} of {self.channels[channel]}, and the training "
                "part lacks none, so this model has not learned what that means; fill it in",
                row,
            )
        return example.values

    def _class(self, label: str) -> int:
        return self.labels.index(label) if label in self.labels else -1

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Labelled | Aligned:
        """Return a padded batch."""
        signals, labels = zip(*items, strict=True)
        if self.per_step:
            return Aligned(pad(signals), lengths(signals), pad(labels))
        return Labelled(pad(signals), lengths(signals), torch.stack(labels))

    def files(self) -> dict[str, str]:
        """Return labels, channels and scale."""
        stored = {**asdict(self), "scale": self.scale.asdict()}
        return {"signal.json": json.dumps(stored)}

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> SignalCodec:
        """Return the codec that wrote these files."""
        stored = json.loads(files["signal.json"])
        scale = Standard.of(stored.pop("scale"))
        return cls(**{**stored, "channels": tuple(stored["channels"])}, scale=scale)


def _standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each channel of a series less its own mean, by its own deviation; 0 if constant."""
    known = ~np.isnan(values)
    count = np.maximum(known.sum(0), 1)
    mean = np.where(known, values, 0).sum(0) / count
    deviation = np.sqrt((np.where(known, values - mean, 0) ** 2).sum(0) / count)
    constant = deviation <= LEAST * np.maximum(np.abs(mean), LEAST)
    scaled: NDArray[np.float64] = (values - mean) / np.where(constant, 1.0, deviation)
    return scaled
