"""Between series and what a watch reads of each step: its place and move, and the calendar."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from recurra.codecs.alarms import WatchedSeries
from recurra.codecs.forecast import written
from recurra.data.calendar import features
from recurra.data.readers.marks import marking
from recurra.data.readers.roles import Form
from recurra.data.readers.series import Series, read_file
from recurra.data.readers.text import Rows
from recurra.errors import DataError, RecurraError
from recurra.streaming.gauge import Gauge
from recurra.streaming.surprise import Habits, Moment, Surprise

FILE = "watch.json"


@dataclass(frozen=True)
class Readings:
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

    def opened(
        self, given: str | Path | Series, position: int, recipe: Any
    ) -> tuple[str, list[Series]]:
        """Return an input's name and its series: of a file, or one that was read already.

        Raises:
            RecurraError: a file cannot be read.
        """
        if isinstance(given, Series):
            return given.where, [given]
        if not isinstance(given, str | Path) or not str(given).strip():
            kind = "empty" if isinstance(given, str) else f"a {type(given).__name__}"
            raise RecurraError(f"input {position} is {kind}; give a file of times and numbers")
        stamped = recipe.steps == "rows"
        rows, marks = Rows.of(recipe), marking(None)
        return str(given), read_file(
            given, rows, recipe, before=self.form, stamped=stamped, marks=marks
        )

    def moments(
        self, series: Series, errors: np.ndarray, recipe: Any, limit: float
    ) -> list[Moment]:
        """Return what is said of each step, of how wrong each but the first was foretold."""
        first = np.full((1, len(self.names)), np.nan)
        surprise = Surprise(len(self.names), habits(recipe), limit)
        steps = zip(np.concatenate([first, errors]), self.arranged(series), strict=True)
        return [surprise.take(*step) for step in steps]

    def told(self, one: Series, moments: Sequence[Moment], limit: float) -> WatchedSeries:
        """Return a series, watched."""
        times = written(one.timeline, range(len(one.values)))
        return WatchedSeries(one.id, self.names, times, self.arranged(one), moments, limit)

    def files(self) -> dict[str, str]:
        """Return the one file that the bundle keeps."""
        stored = dataclasses.asdict(self) | {"form": self.form._asdict()}
        return {FILE: json.dumps(stored, indent=1, ensure_ascii=False) + "\n"}

    @classmethod
    def from_files(cls: type[C], files: Mapping[str, str]) -> C:
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


C = TypeVar("C", bound=Readings)


def habits(recipe: Any) -> Habits:
    """Return how a recipe smooths and rests."""
    return Habits(recipe.smooth, recipe.memory, recipe.level, recipe.rest)
