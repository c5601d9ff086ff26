"""Between series and what a watch reads of each step: its place and move, and the calendar."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recurra.data.batch import Aligned
from recurra.data.calendar import features
from recurra.data.readers.roles import Form
from recurra.data.readers.series import Series
from recurra.errors import DataError
from recurra.streaming.gauge import Gauge

FILE = "watch.json"


@dataclass(frozen=True)
class WatchCodec:
    """What a watch knows of its series.

    Args:
        names: of the channels.
        drift: steps after which a step counts half in level and deviation.
        calendar: the fields of the calendar that are told.
        stretch: steps of a training window.
        form: how the file was read.
    """

    names: tuple[str, ...]
    drift: float
    calendar: tuple[str, ...]
    stretch: int
    form: Form

    @property
    def size(self) -> int:
        """How many numbers are read at each step."""
        return 3 * len(self.names) + 2 * len(self.calendar)

    def gauge(self) -> Gauge:
        """Return what measures a series from its first step on."""
        return Gauge(len(self.names), self.drift)

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

    def measure(self, example: Series) -> tuple[np.ndarray, np.ndarray]:
        """Return what is read of each step [time, size], and how far it moved [time, channels].

        Raises:
            DataError: it has other channels.
        """
        values, gauge = self.arranged(example), self.gauge()
        steps = [gauge.read(step) for step in values]
        told = features(example.timeline, len(values), self.calendar)
        read = np.stack([step.features for step in steps])
        return np.concatenate([read, told], 1), np.stack([step.moved for step in steps])

    def arranged(self, series: Series) -> np.ndarray:
        """Return the values of this codec's channels, in its order.

        Raises:
            DataError: one is missing.
        """
        missing = [name for name in self.names if name not in series.names]
        if missing and not (len(self.names) == len(series.names) == 1):
            raise DataError(
                series.where,
                f"has no values {', '.join(missing)}; it has {', '.join(series.names) or 'none'}",
            )
        if missing:  # one number a row, whatever it is called
            return series.values
        return series.values[:, [series.names.index(name) for name in self.names]]

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Aligned:
        """Return the batch of windows, or of whole series."""
        lengths = torch.tensor([len(x) for x, _ in items])
        x, y = (
            torch.nn.utils.rnn.pad_sequence(list(parts), batch_first=True)
            for parts in zip(*items, strict=True)
        )
        return Aligned(x, lengths, y)

    def files(self) -> dict[str, str]:
        """Return the one file that the bundle keeps."""
        stored = dataclasses.asdict(self) | {"form": self.form._asdict()}
        return {FILE: json.dumps(stored, indent=1, ensure_ascii=False) + "\n"}

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> WatchCodec:
        """Return the codec that wrote these files.

        Raises:
            ValueError: it was none.
        """
        stored = json.loads(files[FILE])
        form, names = stored["form"], tuple(map(str, stored["names"]))
        drift, stretch = float(stored["drift"]), int(stored["stretch"])
        if not names or not 0 < drift < 1e12 or stretch < 1:
            raise ValueError("a watch has channels; drift and stretch are above 0")
        return cls(
            names=names,
            drift=drift,
            calendar=tuple(map(str, stored["calendar"])),
            stretch=stretch,
            form=Form(tuple(form["time"]), form["series"], form["order"], form["decimal"]),
        )
