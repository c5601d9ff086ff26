"""Series as numbers on one scale, and how they go on."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from recurra.codecs.forecast import Ahead, written
from recurra.codecs.standard import Standard
from recurra.data.calendar import features
from recurra.data.readers.roles import Form
from recurra.data.readers.series import Series, read_file
from recurra.data.readers.text import Rows
from recurra.errors import DataError, RecurraError
from recurra.training.options import SeriesTable

FILE = "series.json"
SIZES = ("season", "lookback", "horizon", "segment", "stride")


@dataclass(frozen=True)
class Lookback:
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

    def numbers(self, series: Series, steps: int | None = None) -> NDArray[np.float32]:
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
        found: NDArray[np.float32] = np.concatenate([whole, told], 1)
        return found

    def opened(
        self, given: str | Path | Series, position: int, recipe: SeriesTable
    ) -> tuple[str, list[Series]]:
        """Return an input's name and its series, arranged: of a file, or one that was read already.

        Raises:
            RecurraError: a file cannot be read, has other columns or another frequency, or does
                not say what is known ahead.
        """
        if isinstance(given, Series):
            name, found = given.where, [given]
        elif isinstance(given, str | Path) and str(given).strip("\0 "):
            name = str(given)
            found = read_file(given, Rows.of(recipe), recipe, self.known_names, self.form)
        else:
            kind = "empty" if isinstance(given, str) else f"a {type(given).__name__}"
            raise RecurraError(f"input {position} is {kind}; give the path of a file")
        return name, [self.arranged(one) for one in found]

    def window(self, one: Series) -> NDArray[np.float32]:
        """Return the last steps of a series, and what is known of those to come, as `numbers`.

        Raises:
            DataError: it does not say what is known ahead.
        """
        count = len(one.values)
        ahead = len(one.known) - count
        if self.known_names and ahead < self.horizon:
            raise DataError(
                one.where,
                f"gives {', '.join(self.known_names)} for {ahead} steps after the last value; the "
                f"horizon has {self.horizon}: add rows with these and empty values",
            )
        whole = self.numbers(one, count + self.horizon)
        pad = max(0, self.lookback - count)
        whole = np.pad(whole, ((pad, 0), (0, 0)), constant_values=np.nan)
        return whole[pad + count - self.lookback :]

    def told(
        self, one: Series, middle: NDArray[Any], quantiles: NDArray[Any] | None
    ) -> list[Ahead]:
        """Return the forecast of each channel of a series.

        Args:
            one: the series.
            middle: of the steps to come, on the scale [steps channels].
            quantiles: likewise [steps channels levels]; None: there are none.
        """
        count = len(one.values)
        median = self.scale.undo(middle)
        levels = None
        if quantiles is not None:
            by_level = np.moveaxis(quantiles, -1, 0)
            levels = np.stack([self.scale.undo(level) for level in by_level], -1)
        shown = max(0, count - max(self.lookback, 2 * self.horizon))
        times = written(one.timeline, range(shown, count + self.horizon))
        before, times = times[: count - shown], times[count - shown :]
        return [
            Ahead(
                one.id,
                name,
                times,
                median[:, c],
                None if levels is None else levels[:, c],
                one.values[shown:, c],
                before,
            )
            for c, name in enumerate(self.names)
        ]

    def files(self) -> dict[str, str]:
        """Return the one file that the bundle keeps."""
        stored = dataclasses.asdict(self)
        stored |= {"scale": self.scale.asdict(), "known_scale": self.known_scale.asdict()}
        stored["form"] = self.form._asdict()
        return {FILE: json.dumps(stored, indent=1, ensure_ascii=False) + "\n"}

    @classmethod
    def from_files(cls: type[C], files: Mapping[str, str]) -> C:
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


C = TypeVar("C", bound=Lookback)
