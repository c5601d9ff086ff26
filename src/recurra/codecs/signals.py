"""A signal as numbers: its channels on one scale."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from recurra.codecs.standard import LEAST, Standard
from recurra.data.readers import signals
from recurra.data.readers.signal import Plan, Signal, counted
from recurra.data.readers.source import place
from recurra.data.readers.text import Rows
from recurra.errors import DataError, RecurraError
from recurra.training.options import SignalTable


@dataclass(frozen=True)
class Signals:
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

    def numbers(self, example: Signal) -> NDArray[np.float32]:
        """Return steps [time features].

        Raises:
            DataError: the signal has other channels, or lacks numbers where none may.
        """
        values = self.checked(example)[: self.max_length]
        scaled = _standard(values) if self.own_scale else self.scale(values)
        known = ~np.isnan(scaled)
        x = np.where(known, scaled, 0).astype(np.float32)
        return np.concatenate([x, known.astype(np.float32)], 1) if self.missing else x

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

    def read(self, given: Any, position: int, recipe: SignalTable) -> list[Signal]:
        """Return the signals of an input: a file of one or more, or an array [time channels].

        Raises:
            RecurraError: it cannot be read.
        """
        if isinstance(given, str | Path):
            if not str(given).strip():
                raise RecurraError(f"input {position} is empty; give a file of signals")
            plan = Plan(recipe, known=tuple(self.labels), channels=self.channels)
            rows = signals.read_file(Path(given), Rows.of(recipe), plan)
            found = [rows[0]._replace(where=str(given))] if len(rows) == 1 else rows
        else:
            found = [self._array(given, position)]
        for row in found:
            self.checked(row)
            if self.per_step and len(row.values) > self.max_length:
                path, number = place(row)
                steps = f"{len(row.values):,} steps; {self.max_length:,} are read"
                raise DataError(path, f"has {steps} (max_length): cut it", number)
        return found

    def _array(self, given: Any, position: int) -> Signal:
        if not isinstance(given, np.ndarray) or given.dtype.kind not in "uifb":
            kind = f"a {type(given).__name__}"
            raise RecurraError(
                f"input {position} is {kind}; give a file of signals, or an array [time channels]"
            )
        values = given[:, None] if given.ndim == 1 else given
        if values.ndim != 2 or not values.size:
            raise RecurraError(f"input {position} is {list(given.shape)}; give [time channels]")
        values = values.astype(np.float64)
        if np.isinf(values).any():
            raise RecurraError(f"input {position} holds a value that is infinite")
        return Signal(values, self.channels, "", [], f"input {position}")

    def files(self) -> dict[str, str]:
        """Return labels, channels and scale."""
        stored = {**asdict(self), "scale": self.scale.asdict()}
        return {"signal.json": json.dumps(stored)}

    @classmethod
    def from_files(cls: type[C], files: Mapping[str, str]) -> C:
        """Return the codec that wrote these files."""
        stored = json.loads(files["signal.json"])
        scale = Standard.of(stored.pop("scale"))
        return cls(**{**stored, "channels": tuple(stored["channels"])}, scale=scale)


C = TypeVar("C", bound=Signals)


def _standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each channel of a series less its own mean, by its own deviation; 0 if constant."""
    known = ~np.isnan(values)
    count = np.maximum(known.sum(0), 1)
    mean = np.where(known, values, 0).sum(0) / count
    deviation = np.sqrt((np.where(known, values - mean, 0) ** 2).sum(0) / count)
    constant = deviation <= LEAST * np.maximum(np.abs(mean), LEAST)
    scaled: NDArray[np.float64] = (values - mean) / np.where(constant, 1.0, deviation)
    return scaled
