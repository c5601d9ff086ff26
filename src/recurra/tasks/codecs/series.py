"""Between series and windows of numbers on one scale."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recurra.codecs.standard import Standard
from recurra.data.batch import Foretold
from recurra.data.calendar import features
from recurra.data.readers.roles import Form
from recurra.data.readers.series import Series
from recurra.data.windows import Windows
from recurra.errors import DataError

FILE = "series.json"
SIZES = ("season", "lookback", "horizon", "segment", "stride")


@dataclass(frozen=True)
class SeriesCodec:
    """What a forecaster knows of its series.

    Args:
        names: of the channels, in the order of the network's.
        known_names: of the covariates.
        scale: of the channels, of the training part.
        known_scale: of the covariates, likewise.
        step: between times, in words; "" where steps are numbered.
        calendar: the fields of the calendar that are told beside the covariates.
        season: steps after which a series is likely to repeat itself.
        lookback: steps that are read.
        horizon: steps that are foretold.
        segment: steps of a segment.
        stride: steps that the network foretells at once.
        missing: whether the training part has missing numbers.
        form: how its file was read.
    """

    names: tuple[str, ...]
    known_names: tuple[str, ...]
    scale: Standard
    known_scale: Standard
    step: str
    calendar: tuple[str, ...]
    season: int
    lookback: int
    horizon: int
    segment: int
    stride: int
    missing: bool
    form: Form

    @property
    def covariates(self) -> int:
        """How many numbers are known ahead at each step."""
        return len(self.known_names) + 2 * len(self.calendar)

    def arranged(self, series: Series) -> Series:
        """Return a series with this codec's channels and covariates, in its order.

        Raises:
            DataError: one is missing, or the step is another.
        """
        if series.names == self.names and series.known_names == self.known_names:
            values, known = series.values, series.known
        else:
            values = series.values[:, self._places("values", self.names, series.names, series)]
            known = series.known[
                :, self._places("covariates", self.known_names, series.known_names, series)
            ]
        step = "" if series.timeline is None else str(series.timeline)
        if step != self.step:
            ours = f"a step of {self.step}" if self.step else "numbered steps"
            theirs = f"a step of {step}" if step else "numbered steps"
            raise DataError(series.where, f"has {theirs}; this model was trained on {ours}")
        return series._replace(
            values=values, known=known, names=self.names, known_names=self.known_names
        )

    def _places(
        self, what: str, wanted: Sequence[str], given: Sequence[str], series: Series
    ) -> list[int]:
        missing = [name for name in wanted if name not in given]
        if missing:
            raise DataError(
                series.where,
                f"has no {what} {', '.join(missing)}; it has {', '.join(given) or 'none'}",
            )
        return [list(given).index(name) for name in wanted]

    def tensor(self, series: Series, steps: int | None = None) -> Tensor:
        """Return channels, covariates and calendar side by side, each on its scale.

        Args:
            series: with the codec's channels.
            steps: how many there shall be, NaN where nothing is known; None: as many as values.
        """
        count = len(series.values) if steps is None else steps
        parts = [self.scale(series.values), self.known_scale(series.known)]
        whole = np.full((count, len(self.names) + len(self.known_names)), np.nan, np.float32)
        begin = 0
        for part in parts:
            end = begin + part.shape[1]
            whole[: len(part), begin:end] = part[:count]
            begin = end
        told = features(series.timeline, count, self.calendar)
        return torch.from_numpy(np.concatenate([whole, told], 1))

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

    def files(self) -> dict[str, str]:
        """Return the one file that the bundle keeps."""
        stored = dataclasses.asdict(self)
        stored |= {"scale": self.scale.asdict(), "known_scale": self.known_scale.asdict()}
        stored["form"] = self.form._asdict()
        return {FILE: json.dumps(stored, indent=1, ensure_ascii=False) + "\n"}

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> SeriesCodec:
        """Return the codec that wrote these files.

        Raises:
            ValueError: it was none.
        """
        stored = json.loads(files[FILE])
        sizes: dict[str, Any] = {name: int(stored[name]) for name in SIZES}
        if min(sizes.values()) < 1 or not stored["names"]:
            raise ValueError(f"{', '.join(SIZES)} are 1 or more")
        form = stored["form"]
        codec = cls(
            names=tuple(map(str, stored["names"])),
            known_names=tuple(map(str, stored["known_names"])),
            calendar=tuple(map(str, stored["calendar"])),
            **sizes,
            scale=Standard.of(stored["scale"]),
            known_scale=Standard.of(stored["known_scale"]),
            step=str(stored["step"]),
            missing=bool(stored["missing"]),
            form=Form(tuple(form["time"]), form["series"], form["order"], form["decimal"]),
        )
        counts = len(codec.scale.mean), len(codec.known_scale.mean)
        if counts != (len(codec.names), len(codec.known_names)):
            raise ValueError("there is one scale for each channel and covariate")
        return codec
