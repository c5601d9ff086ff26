"""Between series and windows of numbers on one scale, as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from recurra.codecs.series import Lookback
from recurra.data.batch import Foretold
from recurra.data.readers.series import Series
from recurra.data.windows import Windows
from recurra.errors import DataError


@dataclass(frozen=True)
class SeriesCodec(Lookback):
    """What a forecaster knows of its series, as tensors."""

    def tensor(self, series: Series, steps: int | None = None) -> Tensor:
        """Return channels, covariates and calendar side by side, as `numbers`."""
        return torch.from_numpy(self.numbers(series, steps))

    def windows(self, examples: Sequence[Series], future: int, every: int = 1) -> Windows:
        """Return all windows of series whose future lies in their part.

        A look-back that would begin before its series is filled up in front with what is missing:
        so every step of a part is foretold, and a short series has one window.
        """
        whole, whence = [], []
        for series in map(self.arranged, examples):
            short = self.lookback + future - len(series.values)
            pad = max(self.lookback - series.begin if series.begin else short, 0)
            pad = min(pad, self.lookback - 1)
            tensor = self.tensor(series)
            if pad:
                empty = torch.full((pad, tensor.shape[1]), torch.nan)
                tensor = torch.cat([empty, tensor])
            whole.append(tensor)
            whence.append(series.begin + pad)
        return Windows(whole, self.lookback, future, every, whence)

    def encode(self, example: Series) -> tuple[Tensor, ...]:
        """Return past and future of the last window of a series.

        Raises:
            DataError: the series is too short for one.
        """
        windows = self.windows([example], self.stride)
        if not len(windows):
            raise DataError(example.where, self.too_short(example))
        return windows[-1]

    def too_short(self, series: Series) -> str:
        """Say that a part of a series has no window."""
        have, needed = len(series.values) - series.begin, self.horizon + (series.begin == 0)
        return (
            f"this part has {have:,} of the {needed:,} steps that a forecast of {self.horizon:,} "
            "needs; lower --horizon, or give more rows or another --split"
        )

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Foretold:
        """Return the batch of windows."""
        past, future = (torch.stack(parts) for parts in zip(*items, strict=True))
        count = len(self.names)
        known = torch.cat([past[..., count:], future[..., count:]], 1)
        return Foretold(past[..., :count], known, future[..., :count])
